"""The tables of an answer as people read them."""
