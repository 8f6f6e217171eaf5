"""What a labelled image or clip is: values, skeletons, readers, cleaner and split (floor 1)."""
