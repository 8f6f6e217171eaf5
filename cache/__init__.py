"""Poses into planes, planes onto disk (floor 2)."""
