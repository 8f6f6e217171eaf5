"""What TensorBoard shows of a network of body parts after each epoch: images of val, as PNG.

Each row is a tensor's image, its mask, and what the network says. Knows nothing of files but the
cache's.
"""

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np

from pose_activity.annotations.parts import IGNORE
from pose_activity.cache.record import Example
from pose_activity.cache.store import Cache
from pose_activity.inference.parts.paint import paint_mask, paint_over

SHOWN = 4


def epoch_pictures(cache: Cache) -> Callable[[Any], Mapping[str, bytes]]:
    """Chooses images of val in which there is somebody, if there are such.

    Args:
        cache: Of a `PartsRecipe`, with images in "val".

    Returns:
        A function from a network (with Keras' `predict_on_batch`) to a picture by its name.
    """
    entries = cache.of_split("val")
    places = np.linspace(0, len(entries) - 1, min(len(entries), 4 * SHOWN)).round().astype(int)
    examples = [cache.load(entries[place]) for place in places]
    examples = sorted(examples, key=lambda example: not _has_body(example))[:SHOWN]
    planes = np.stack([example.x for example in examples]).astype(np.float32)
    recipe: Any = cache.recipe
    # A label that is coarser than the classes has the colour of its first class.
    first = np.full(256, IGNORE, np.uint8)
    first[: len(recipe.targets)] = [members[0] for members in recipe.targets]

    def look(network: Any) -> Mapping[str, bytes]:
        answers = np.argmax(network.predict_on_batch(planes), axis=-1).astype(np.uint8)
        rows = []
        for example, answer in zip(examples, answers, strict=True):
            image = np.ascontiguousarray(example.x[..., :3])
            size_wh = image.shape[1::-1]
            said = cv2.resize(answer, size_wh, interpolation=cv2.INTER_NEAREST)
            truth = paint_mask(first[np.asarray(example.y)], recipe.scheme)
            rows.append(np.hstack([image, truth, paint_over(image, said, recipe.scheme)]))
        drawn = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
        return {"val": cv2.imencode(".png", drawn)[1].tobytes()}

    return look


def _has_body(example: Example) -> bool:
    y = np.asarray(example.y)
    return bool(((y > 0) & (y != IGNORE)).any())
