"""Decisions on the estate and their costs."""
