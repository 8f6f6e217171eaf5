"""The inside of train.py: an engine, and a folder per kind of run (floor 7)."""
