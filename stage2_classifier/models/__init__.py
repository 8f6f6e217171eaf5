"""Networks, by what they are given: images or sequences."""
