"""Probabilities and labels into scores, charts and files; no model."""
