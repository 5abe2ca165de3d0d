"""Explain why no plan exists, and measure the least relaxation of rules."""
