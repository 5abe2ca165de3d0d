"""The sentences of an answer; each is stated only where the plan's tables prove it."""
