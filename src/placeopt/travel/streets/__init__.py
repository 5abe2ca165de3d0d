"""Street networks and the shortest paths over them."""
