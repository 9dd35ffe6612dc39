"""Hostile input: every parser that meets bytes from outside, and what may not happen to it.

    make fuzz                                  a million cases
    make fuzz ARGS="--target routing --cases 50000 --seed 7"
    make fuzz ARGS="--target routing --replay 02a1…"

`targets` is the table: a name, valid encodings, and what is done with a case. `parts` cuts an encoding into its fields,
`mutate` changes them, `engine` runs cases in a process of their own and says what went wrong, `cover` says which cases
reached something new and are worth to go on from.
"""
