"""What the console and the desk are both made of: pages for people, on the loopback address or behind their own TLS.

    session     one-time links, sessions, CSRF tokens, rates; the clock is an argument
    guard       what every request must be before a page sees it, and what every answer carries
    oidc        signing in at the organisation's own provider
    page        what a request says, checked; what a template is made from
    words       Swedish and English, by name
    listen      the port, and the server on it

Nothing here knows what a page shows, or who may see it.
"""
