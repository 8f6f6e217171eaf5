"""Linear classifiers on vectors."""
