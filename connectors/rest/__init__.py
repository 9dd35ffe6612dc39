"""REST for any system, on the party's own connector: what the command line can say and see, over HTTP.

    settings      `[rest]` of connector.toml
    shapes        what is handed in and out, as records; the description is made from them
    problems      every error as RFC 9457, with codes and field paths and never a child
    auth          client credentials, certificates, tokens of the organisation's own issuer
    guard         size, rate and headers, before anything else sees a request
    once          idempotency keys: the same request again is the same act
    files         what goes with a message: handed in, kept sealed until it is sent
    messages, inbox, consents, circle, events      one module of handlers each, thin over the parts that they share
    openapi       OpenAPI 3.1, made from all of these
    app           the routes, over any parties that run in this process
    serving       uvicorn in the connector's own loop, TLS included

A child's number never stands in an address, so never in an access log. Nothing here opens, seals or decides.
"""
