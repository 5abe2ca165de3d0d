"""The rules of the estate problem, one file a family."""
