"""Poses into planes, tensors onto disk (floor 3)."""
