"""Drawn people, whose labels are known because they came first."""
