"""What can be measured: location problems, estates and budgets."""
