"""The exported network asked about the images of a split, at the images' own size.

Figures are of a scheme that the network's classes and all labels can be merged into: the network's
own, or else a coarser one of the labels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pose_activity.annotations.part_files import load_image, load_mask
from pose_activity.annotations.parts import (
    PERSON,
    PartScheme,
    merge,
    merge_probabilities,
    merge_table,
)
from pose_activity.annotations.types import PartSample, Poses
from pose_activity.cache.parts import make_input, to_image
from pose_activity.configs.parts import PartsRun
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage1_parts import scores
from pose_activity.stage1_parts.predict import PartsNetwork
from pose_activity.training.console import console
from pose_activity.training.parts import steps
from pose_activity.training.parts.build_cache import find_poses


@dataclass(frozen=True, eq=False)
class ImageScore:
    """How right the network is about one image.

    Attributes:
        sample: The image.
        miou: Mean IoU of the classes that are there or were said.
        body_recall: Correct pixels of parts / all pixels of parts; None without a body.
        body: Share of the labelled pixels that are somebody's.
    """

    sample: PartSample
    miou: float
    body_recall: float | None
    body: float


def judge(
    run: PartsRun, network: PartsNetwork, split: str
) -> tuple[scores.PartsReport, list[ImageScore], PartScheme]:
    """Asks the network about a split.

    Returns:
        The figures, a row for each image in the order of the samples, and the scheme of both.

    Raises:
        ValueError: the split is empty.
    """
    samples = [sample for sample in steps.samples_of(run) if sample.split == split]
    scheme = common_scheme(network.recipe.scheme, samples)
    rows: list[ImageScore] = []

    def pairs() -> Iterator[scores.Pair]:
        with progress_bar(f"looking at {split}", console) as show:
            poses = poses_of(run, network, samples)
            for done, sample in enumerate(samples, 1):
                truth = merge(load_mask(sample), sample.scheme, scheme)
                said = mask_of(network, sample, poses.get(sample.source), scheme)
                rows.append(_score(sample, truth, said, scheme))
                yield truth, said
                show(done, len(samples), sample.source.name)

    return scores.evaluate(pairs(), scheme, seed=run.seed), rows, scheme


def common_scheme(own: PartScheme, samples: Sequence[PartSample]) -> PartScheme:
    """Returns the scheme of the figures; see the module."""
    labelled = [*dict.fromkeys(sample.scheme for sample in samples)]
    for scheme in (own, *labelled):
        if all(_merges(one, scheme) for one in (own, *labelled)):
            return scheme
    return PERSON


def _merges(source: PartScheme, target: PartScheme) -> bool:
    try:
        merge_table(source, target)
    except ValueError:
        return False
    return True


def poses_of(
    run: PartsRun, network: PartsNetwork, samples: Sequence[PartSample]
) -> Mapping[Path, Poses]:
    """Returns who was found in the images, by `PartSample.source`, if the network looks at them."""
    if not network.recipe.needs_poses:
        return {}
    return find_poses(run, samples, run.run_dir / "cache")


def mask_of(
    network: PartsNetwork, sample: PartSample, poses: Poses | None, scheme: PartScheme
) -> np.ndarray:
    """Returns what the network says of an image, `(h, w)` uint8 classes of `scheme`."""
    image = load_image(sample)
    answer = network(make_input(image, poses, network.recipe)[None])[0]
    merged = merge_probabilities(answer * network.weights, network.recipe.scheme, scheme)
    return to_image(merged, (image.shape[1], image.shape[0]), network.recipe)[0]


def _score(
    sample: PartSample, truth: np.ndarray, said: np.ndarray, scheme: PartScheme
) -> ImageScore:
    counts = scores.confusion(truth, said, len(scheme))
    recall = float(scores.body_recall(counts))
    body = counts[1:].sum() / max(1, counts.sum())
    miou = float(scores.overlaps_mean(counts))
    return ImageScore(sample, miou, recall if np.isfinite(recall) else None, float(body))
