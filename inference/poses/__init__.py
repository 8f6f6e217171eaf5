"""Plain pose estimation: people and their joints, without a classifier."""
