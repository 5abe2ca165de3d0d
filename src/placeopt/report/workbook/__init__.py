"""The Excel workbook of an answer."""
