"""The steps of a run on clips."""
