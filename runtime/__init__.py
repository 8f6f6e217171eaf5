"""An exported graph, run on the fastest engine this machine has (floor 0)."""
