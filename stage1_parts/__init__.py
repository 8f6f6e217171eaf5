"""An image in, the parts of the bodies in it out: networks, losses, training, export, scores."""
