"""One file a foreign format: labels in, `Sample`s or `Clip`s out."""
