"""The estate problem as rows and columns: one function for each equation."""
