"""The rules of scenarios, one module for each family."""
