"""The answer as one self-contained page that opens without a connection."""

from placeopt.report.page.page import write_page

__all__ = ["write_page"]
