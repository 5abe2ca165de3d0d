"""Read and write places as files; the template workbook."""
