"""Run a suite, each case in its own process."""
