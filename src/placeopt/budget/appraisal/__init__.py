"""Costs and benefits of investments, with corrections for optimism."""
