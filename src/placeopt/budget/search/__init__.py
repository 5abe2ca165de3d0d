"""Methods that find plans and prove bounds."""
