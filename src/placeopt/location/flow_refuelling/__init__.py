"""Stations on a road network so that trips get there and back with their range."""
