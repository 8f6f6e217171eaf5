"""Planes or sequences in, one activity out (floor 5)."""
