"""Problems without capacities: candidate lists, Lagrangian bound, branch and bound."""
