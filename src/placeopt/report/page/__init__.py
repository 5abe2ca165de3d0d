"""The web page of an answer: one file that asks nothing of the internet."""
