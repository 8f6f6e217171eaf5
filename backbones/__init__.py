"""Networks for images without their tops, and the published weights that they start from."""
