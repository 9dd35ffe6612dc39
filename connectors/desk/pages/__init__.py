"""The desk's pages: plain functions, question in, values for a template out."""
