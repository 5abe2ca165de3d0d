"""The records of a run, their tables and pictures."""
