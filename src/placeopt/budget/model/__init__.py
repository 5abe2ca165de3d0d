"""The budget problem as rows and columns: one function for each equation."""
