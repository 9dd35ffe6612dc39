"""The pages, one module each: a question in, what a template or a file is made from out."""
