"""What makes no sense in a scenario, by itself or for the place that it asks about."""
