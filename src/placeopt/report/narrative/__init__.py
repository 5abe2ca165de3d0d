"""The sentences of an answer, each said only where the tables bear it out."""
