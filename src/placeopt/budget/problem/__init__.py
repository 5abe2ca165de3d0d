"""The budget problem as frozen arrays with labels, and how they are made."""
