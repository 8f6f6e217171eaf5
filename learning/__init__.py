"""How a Keras network is trained: epochs on disk, exact resume, history, batches (floor 4)."""
