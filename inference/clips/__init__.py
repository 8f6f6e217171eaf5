"""Videos or pose files in, a result per person out."""
