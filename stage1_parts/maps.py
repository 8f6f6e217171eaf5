"""Body parts of an image as soft maps, for the planes of a classifier: the same call everywhere.

Training and inference both ask `find`; `copy` brings a network into the folder of a run.
"""

import shutil
from pathlib import Path

import numpy as np

from pose_activity.annotations.types import Poses
from pose_activity.artifacts import atomic
from pose_activity.cache.part_maps import PartMaps, maps_of
from pose_activity.cache.parts import make_input, picture_in
from pose_activity.stage1_parts.predict import GRAPH, SIDECAR, PartsNetwork, load


def find(network: PartsNetwork, image: np.ndarray, poses: Poses | None) -> PartMaps:
    """Finds the parts of everybody in an image; safe to call from several threads.

    Args:
        network: Any; its classes are merged.
        image: `(h, w, 3)` uint8 RGB.
        poses: Who is in it; only a network that sees bones looks at them.

    Raises:
        ValueError: the network sees bones and there are no poses, or its classes do not tell the
            six planes apart.
    """
    planes = make_input(image, poses, network.recipe)
    size = image.shape[1], image.shape[0]
    left, top, width, height = picture_in(size, network.recipe)
    answer = network(planes[None])[0]
    return maps_of(answer[top : top + height, left : left + width], network.recipe.scheme, size)


def copy(source: Path, folder: Path) -> None:
    """Copies a network's graph and its sidecar.

    Args:
        source: The folder stage2 of a run of the kind parts, or a packaged model.
        folder: Where they are copied to; made when missing.

    Raises:
        FileNotFoundError: one of the two is missing.
        ValueError: they do not belong together.
    """
    load(source, engine="onnxruntime", threads=1)
    for name in (GRAPH, SIDECAR):  # the sidecar last: it vouches for the graph
        with atomic.replacing(folder / name) as temporary:
            shutil.copyfile(source / name, temporary)
