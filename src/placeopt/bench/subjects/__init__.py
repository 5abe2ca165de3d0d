"""The subjects of benchmarks: location problems, estates and budgets."""
