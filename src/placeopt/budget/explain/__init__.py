"""Why no budget is feasible, and the value of a change of a limit."""
