"""Methods that find plans and prove bounds; ``strategy`` chooses one by size."""
