"""An exported graph on the fastest engine of this machine, and progress bars (floor 1)."""
