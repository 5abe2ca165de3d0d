"""Decide with proof which public buildings a place keeps and how it splits one budget."""
