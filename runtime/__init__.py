"""An exported graph on the fastest engine of this machine, and running work in order (floor 1)."""
