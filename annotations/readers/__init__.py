"""One file per foreign format: labels in, `Sample`s or `Clip`s out."""
