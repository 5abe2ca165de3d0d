"""The plan as tables in the user's own rows and ids."""
