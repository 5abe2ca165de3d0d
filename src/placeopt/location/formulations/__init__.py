"""Integer programs of the location problems, for engines."""
