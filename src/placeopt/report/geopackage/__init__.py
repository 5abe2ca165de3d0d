"""The map layers of an answer, with styles for QGIS."""
