"""Why no plan exists, and what would have to give."""
