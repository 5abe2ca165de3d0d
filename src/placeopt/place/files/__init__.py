"""A place as files: reading, writing and the template workbook."""
