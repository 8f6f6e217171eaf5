"""An image in, where the bodies are out (floor 2)."""
