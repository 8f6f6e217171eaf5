"""Classifiers of sequences, one file per model; `registry.py` names them."""
