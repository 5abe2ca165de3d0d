"""Reports of an answer: page, workbook, map layers, tables, summary and picture."""

from placeopt.report.charts.picture import draw_picture, write_picture
from placeopt.report.narrative.narrative import headline
from placeopt.report.write import write_results

__all__ = ["draw_picture", "headline", "write_picture", "write_results"]
