"""Problems with capacities: column generation, set partitioning, branch and bound."""
