"""Frames in, results out: sources, predictors, tables (floor 6)."""
