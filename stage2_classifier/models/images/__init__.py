"""Classifiers of images, one file per model; `registry.py` names them."""
