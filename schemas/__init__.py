"""What is written down: records, catalogue, rulebook rows, codec, identifiers and the one error tree.

Nothing here reads a clock, a network or a key.
"""
