"""The rules of the estate problem, one module for each family."""
