"""Charts and still pictures as inline SVG."""
