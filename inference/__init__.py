"""Pictures in, rows out: sources, the pipeline, writers (floor 4)."""
