"""What makes no sense in a place: each module returns the findings about one kind of table."""
