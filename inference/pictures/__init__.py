"""Images and video frames in, activities out."""
