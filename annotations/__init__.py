"""What a labelled image is: values, skeletons, readers, the cleaner and the split (floor 0)."""
