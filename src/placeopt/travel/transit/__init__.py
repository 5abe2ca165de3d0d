"""Public transport: timetables and journeys."""
