"""Run a suite, each case in a process of its own."""
