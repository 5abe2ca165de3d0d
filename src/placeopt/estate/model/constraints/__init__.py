"""The rules of the estate as rows of a model, one function for each equation."""
