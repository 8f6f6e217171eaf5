"""The annotation cleaner: what it fixes, what it rejects, and what it changed, as a picture."""
