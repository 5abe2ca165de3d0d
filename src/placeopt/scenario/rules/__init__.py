"""The rules that a scenario can switch on, tighten or drop."""
