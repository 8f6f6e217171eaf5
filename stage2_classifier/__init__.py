"""Planes in, one activity out (floor 3)."""
