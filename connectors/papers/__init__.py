"""Papers for the family: what a unit prints and hands over when it meets a child, a guardian or a foster parent.

    source → rows(…) → select(rows, release) → render(…)
             data      what a named function     HTML, text or cards
                       releases to this reader

A paper never shows that something was left out. That follows from the shape: `render` is given the released rows and
nothing else, every row is made from its own facts alone, and no row has a number. So the paper of data in which a row
never was equals, byte for byte, the paper where it was held back. Nothing in here may count, number or sum rows, or
say that a list is complete.

`row` has the records, `rows` makes them, `release` proposes and selects, `render` writes; all four are pure. `source`
reads the party's own store. Samband mails nothing: the command line writes a file, a person hands it over.
"""
