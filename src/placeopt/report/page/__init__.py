"""The web page of an answer: one file that works offline."""
