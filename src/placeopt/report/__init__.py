"""The answer as people open it: page, workbook, map layers, tables, summary."""

from placeopt.report.summary import headline
from placeopt.report.write import write_results

__all__ = ["headline", "write_results"]
