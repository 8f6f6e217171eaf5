"""Vectors of several scenes made alike: what a camera's place does to all people is taken out.

Another distance or angle shifts and stretches the statistics of everybody in a scene. Their mean
and deviation over a scene need no labels, so those of a scene that training never saw can be had,
too, from enough of its clips (38 to 48 where it was tried), of about the same people as elsewhere.
"""

from collections.abc import Sequence

import numpy as np

_RELATIVE = 1e-6  # of a number's size; what varies less in a scene is rounding


def standardise_by_scene(vectors: np.ndarray, scenes: Sequence[str]) -> np.ndarray:
    """Gives every number mean 0 and deviation 1 over the vectors of each scene.

    Args:
        vectors: `(N, D)`, real and finite; never changed.
        scenes: N names.

    Returns:
        `(N, D)` float64; 0 where all vectors of a scene have the same number.

    Raises:
        ValueError: another number of scenes, or a scene with one vector, which would become 0.
    """
    names, scene_of, counts = np.unique(
        np.asarray(scenes, dtype=str), return_inverse=True, return_counts=True
    )
    if len(scene_of) != len(vectors) or (counts < 2).any():
        alone = names[counts < 2].tolist()
        raise ValueError(
            "There must be a scene for each vector, and two vectors or more in each scene. "
            f"Received: {len(scene_of)} scenes for {len(vectors)} vectors, with one alone: {alone}"
        )
    alike = np.array(vectors, np.float64)
    for scene in range(len(names)):
        own = alike[scene_of == scene]
        deviation = own.std(axis=0)
        varies = deviation > _RELATIVE * np.abs(own).max(axis=0)
        apart = np.where(varies, own - own.mean(axis=0), 0)
        alike[scene_of == scene] = apart / np.where(varies, deviation, 1)
    return alike
