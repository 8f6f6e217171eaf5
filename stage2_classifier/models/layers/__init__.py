"""Keras layers that classifiers of sequences are made of."""
