"""The desk: a unit without a system of its own reads, answers and sends in a browser, in the party's own connector.

    roles       who may do what: a table of rows, enforced and printed from the same place
    ask         a request that may be answered: the party, opened; the units that it is for; the words
    forms       a type's fields as a form, and a form as a content with every fault by its field; pure
    drafts      what somebody has begun to write, sealed in the party's store until it is sent
    due         when an answer is expected, by the agreement; pure
    ladder      what became of a message, and what happens next, in words; pure
    pages       one module of plain functions a page
    app         routes, templates, languages
    adapter     the unit's far side, where messages wait to be opened

The keys never leave the connector: the desk opens the party's own store, and nothing else. Every form is made from the
message catalogue, so a new type has its form at once. Everything works without JavaScript.
"""
