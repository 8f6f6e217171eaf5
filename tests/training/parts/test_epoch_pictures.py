"""What TensorBoard shows of a parts network after an epoch; the network is made by hand."""

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from pose_activity.annotations.parts import IGNORE, PARTS9, PASCAL7
from pose_activity.cache.parts import PartsRecipe
from pose_activity.cache.record import Example
from pose_activity.inference.parts.paint import colour_table
from pose_activity.training.parts.epoch_pictures import SHOWN, epoch_pictures

RECIPE = PartsRecipe(width=64, height=32, scheme=PARTS9, labelled=(PASCAL7,))
TORSO = PARTS9.index("torso")
LOWER_ARM = RECIPE.tables[PASCAL7][PASCAL7.names.index("lower_arm")]  # forearm or hand


def cache_of(*targets: np.ndarray) -> Any:
    examples = [Example(np.full((32, 64, 3), 200, np.uint8), y) for y in targets]
    return SimpleNamespace(
        recipe=RECIPE, load=examples.__getitem__, of_split=lambda name: range(len(examples))
    )


def decode(png: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR))[..., ::-1]


class Answers:
    """Says torso in the left half of everything, at a quarter of the size."""

    def predict_on_batch(self, planes: np.ndarray) -> np.ndarray:
        assert planes.dtype == np.float32 and planes.shape[1:] == (32, 64, 3)
        answers = np.zeros((len(planes), 8, 16, len(PARTS9)), np.float32)
        answers[..., 0] = 0.5
        answers[:, :, :8, TORSO] = 1
        return answers


def test_image_mask_and_answer_are_side_by_side() -> None:
    empty = np.zeros((32, 64), np.uint8)
    labelled = empty.copy()
    labelled[:8], labelled[8:16], labelled[16:24] = TORSO, LOWER_ARM, IGNORE
    found = epoch_pictures(cache_of(*[empty] * 20, labelled))(Answers())
    assert [*found] == ["val"]
    drawn = decode(found["val"])
    assert drawn.shape == (SHOWN * 32, 3 * 64, 3)
    first = drawn[:32]  # the one in which there is somebody
    assert (first[:, :64] == 200).all()
    colours = colour_table(PARTS9)
    rows = first[[4, 12, 20, 28], 64 + 32]
    expected = colours[[TORSO, PARTS9.index("forearm"), IGNORE, 0]]
    np.testing.assert_array_equal(rows, expected)
    painted, left = first[16, 128 + 10], first[16, 128 + 60]
    assert (
        np.abs(painted - colours[TORSO].astype(int)).sum() < np.abs(painted.astype(int) - 200).sum()
    )
    assert (left == 200).all()


def test_fewer_images_than_are_shown() -> None:
    found = epoch_pictures(cache_of(np.zeros((32, 64), np.uint8)))(Answers())
    assert decode(found["val"]).shape == (32, 192, 3)
