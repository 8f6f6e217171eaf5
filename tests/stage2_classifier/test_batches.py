"""Looks at the batches that a child process read (see `children/train_tiny.py`)."""


def test_batches_are_float_pixels_and_class_ids(tiny):
    x_type, y_type, shape, largest = tiny["dtypes"]
    assert (x_type, y_type, shape) == ("float32", "int32", [24, 64, 64, 4])
    assert 200 < largest <= 255


def test_every_training_image_comes_once(tiny):
    assert tiny["each_once"]


def test_no_training_batch_is_left_with_the_rest(tiny):
    assert tiny["sizes"] == [12, 12], "of 24 images, at most 23 at once"


def test_order_and_augmentation_follow_from_seed_and_epoch(tiny):
    assert tiny["repeats"] and tiny["augmented"]
    assert tiny["other_epoch"] and tiny["other_seed"]


def test_batches_are_the_same_wherever_the_tensors_lie(tiny):
    assert tiny["memory_map"]


def test_fixed_batches_keep_the_order(tiny):
    assert tiny["fixed"]
    assert tiny["fixed_sizes"] == [4, 4, 1]
    assert tiny["fixed_labels"] == [0] * 3 + [1] * 3 + [2] * 3
