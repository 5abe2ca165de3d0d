"""Checks of a scenario, by itself and against its place."""
