"""A decision on the estate, and what it costs."""
