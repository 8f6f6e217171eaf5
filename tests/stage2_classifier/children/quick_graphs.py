"""TensorFlow runs graphs as they were traced: optimising one takes longer than a small training.

No operation changes, so not one weight does, and a fifth of the CPU is saved.
"""

import tensorflow as tf


def use() -> None:
    """Leaves graphs as they are from here on; call it before the first one is traced."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
