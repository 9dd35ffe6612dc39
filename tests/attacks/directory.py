"""Attacks on the directory: cards, keys and heads that are old, another's, or signed by nobody who may."""
