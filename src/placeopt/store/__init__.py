"""Where a run comes from: hashes of what went in, versions and settings."""
