"""The steps of a run on body parts."""
