"""Other people's software, measured in the same run."""
