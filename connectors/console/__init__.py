"""The console: what the hub has decided and what needs a person now, for those who audit, keep consents, or operate.

    roles       who may see what: a table of rows, enforced and printed from the same place
    session     one-time links, sessions, CSRF tokens, rates; the clock is an argument
    oidc        signing in at the organisation's own provider
    guard       what every request must be before a page sees it, and what every answer carries
    index       what the records are found by; made from them at any time, in tokens under the months' keys
    source      the questions that the pages ask of the hub; the one place that reads
    pages       one module of plain functions: question in, values for a template out
    app         routes, templates, languages

Everything works without JavaScript. It reads; what it writes is that somebody looked at a child, and what a spot check
says: asked for, drawn, found.
Nothing here is imported by a connector: `pip install samband[console]` brings what it needs.
"""
