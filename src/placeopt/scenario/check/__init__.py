"""Checks of a scenario, alone and against its place."""
