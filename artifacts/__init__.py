"""What every room needs: atomic writes, manifests, locks, work in order over threads (floor 0)."""
