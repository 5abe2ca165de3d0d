"""Methods that find plans and prove bounds; ``strategy`` says which is used for which size."""
