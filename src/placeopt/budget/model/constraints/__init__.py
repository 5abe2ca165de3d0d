"""Rules of the budget between years and between partners, as rows of a model."""
