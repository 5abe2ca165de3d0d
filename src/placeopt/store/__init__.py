"""Where an answer comes from: hashes of its input, versions and settings."""
