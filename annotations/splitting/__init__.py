"""Which image or clip is for training, which for choosing, which for the final figures."""
