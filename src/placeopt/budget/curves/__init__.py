"""Response curves: their forms, how programmes combine, and calibration from evidence."""
