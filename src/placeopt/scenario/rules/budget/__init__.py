"""The rules of the budget problem, one file a family."""
