"""The steps of a run on pictures."""
