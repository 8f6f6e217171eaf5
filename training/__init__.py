"""The inside of train.py: one file a step, and how steps keep house (roof)."""
