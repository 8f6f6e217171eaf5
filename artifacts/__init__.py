"""How a folder vouches for itself: atomic writes, manifests, locks (floor 0)."""
