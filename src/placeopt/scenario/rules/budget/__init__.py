"""The rules of the budget problem, one module for each family."""
