"""JHMDB's 14 actions from joints alone: `motion_cnn` on the 3 official splits.

The poses are the data set's own, so this measures stage 2. For every split and seed: the archive's
reader, the cache, a training on all of "train" without any look at "test", the export, and one
answer for each clip of "test" through ONNX Runtime. A seed's figure is the mean accuracy of the 3
splits. The settings were chosen inside the train sides: on clips of a split's "train" that are
"test" in the next split, so that no source video was on both sides.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.clips import Clip
from pose_activity.annotations.readers.pose_archives import read_flat_archive
from pose_activity.cache import store
from pose_activity.cache import windows as clip_windows
from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.stage2_classifier import export_sequences, fit_sequences, predict_sequences
from pose_activity.stage2_classifier.options import SequenceAugment, SequenceFit

SPLITS = ("split1", "split2", "split3")
FPS = 25.0  # of no consequence: frames are taken as they come
# Clips have 15 to 40 frames; shorter ones are padded, so that speed stays true.
RECIPE = SequenceRecipe(skeleton="jhmdb15", frames=40, windows="first", centre="clip")
SETTINGS: dict[str, Any] = {
    "model": "motion_cnn",
    "dropout": 0.5,
    "batch": 55,
    "epochs": 80,
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "warmup_epochs": 5.0,
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "checkpoint": "last",
    "augment": SequenceAugment(
        mirror=0.5,
        rotate=15.0,
        scale=0.15,
        shear=8.0,
        joint_shift=0.02,
        noise=0.01,
        speed=0.2,
        time_crop=0.3,
    ),
}
_TIMED = 200  # answers of one clip each


def measure(data: Path, seeds: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Trains and scores every split with every seed.

    Args:
        data: Folder with `sequences/jhmdb_poses.npz`.
        seeds: Of the trainings.

    Returns:
        Under jhmdb: `seeds` (mean accuracy of the splits, one a seed), `splits` (accuracy of each
        split, a list a seed), `test_clips`, `ms_per_clip` (median, one clip at a time through ONNX
        on one thread), and `test_looks`: how often candidates were scored on the test sides.
    """
    archive = data / "sequences" / "jhmdb_poses.npz"
    splits = {name: read_flat_archive(archive, prefix=name, fps=FPS) for name in SPLITS}
    accuracies: list[list[float]] = []
    milliseconds: list[float] = []
    for seed in seeds:
        accuracies.append([])
        for clips in splits.values():
            with tempfile.TemporaryDirectory() as folder:
                accuracy, taken = score(clips, Path(folder), seed=seed, **SETTINGS)
            accuracies[-1].append(accuracy)
            milliseconds.append(taken)
    return {
        "jhmdb": {
            "seeds": [float(np.mean(each)) for each in accuracies],
            "splits": accuracies,
            "test_clips": [sum(c.split == "test" for c in clips) for clips in splits.values()],
            "ms_per_clip": float(np.median(milliseconds)),
            "test_looks": 1,
        }
    }


def score(
    clips: Sequence[Clip],
    folder: Path,
    *,
    recipe: SequenceRecipe = RECIPE,
    seed: int = 0,
    **settings: Any,
) -> tuple[float, float]:
    """Trains on the clips of "train" and answers those of "test".

    Args:
        clips: With keypoints, labels and splits.
        folder: An empty one, for cache and classifier.
        recipe: What the tensors are.
        seed: Of the training.
        **settings: Of `SequenceFit`.

    Returns:
        The accuracy, and the milliseconds that one clip takes.
    """
    windows, _ = clip_windows.windows_of(clips, recipe)
    classes = sorted({str(clip.label) for clip in clips})
    cache, _ = store.build(
        folder / "cache", windows, recipe=recipe, classes=classes, inputs={}, tensors="memory_map"
    )
    out = folder / "stage2"
    fit_sequences.fit(cache, out, SequenceFit(**settings), seed=seed, threads=1)
    tested = cache.of_split("test")
    tensors = np.stack([cache.load(entry).x for entry in tested])
    export_sequences.export(out, recipe=recipe, classes=cache.classes, tensors=tensors[:8])
    classify = predict_sequences.load(out, engine="onnxruntime", threads=1)
    truth = np.array([cache.class_id(entry) for entry in tested])
    accuracy = float((classify(tensors).argmax(1) == truth).mean())
    return accuracy, _milliseconds(classify, tensors)


def _milliseconds(classify: predict_sequences.SequenceClassifier, tensors: np.ndarray) -> float:
    taken = []
    for i in range(_TIMED):
        one = tensors[i % len(tensors)][None]
        started = time.perf_counter()
        classify(one)
        taken.append(time.perf_counter() - started)
    return 1000 * float(np.median(taken))
