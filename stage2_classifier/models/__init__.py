"""One file a model; `registry.py` names them."""
