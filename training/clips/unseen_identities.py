"""People never seen in training: who of the gallery is each probe?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.readers.name_patterns import compile_pattern
from pose_activity.cache.store import Cache, open_cache
from pose_activity.cache.windows import CLIPS
from pose_activity.configs.clips import ClipRun
from pose_activity.stage2_classifier import predict_sequences
from pose_activity.stage2_classifier.options import LinearOptions
from pose_activity.stage2_classifier.scores import retrieval
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.stage2_classifier.vectors import fit
from pose_activity.training import questions
from pose_activity.training.clips.embeddings import WINDOWS, rows_of_clips, windows_of

_FOLDS = 5  # over scenes, at most
_MACHINE = LinearOptions("svm", l2_normalize=True)


def look_up(run: ClipRun, parts: Sequence[Path] = ()) -> tuple[Predictions, retrieval.Retrieval]:
    """Compares the vectors of people never seen.

    Args:
        run: Every step but the report is finished.
        parts: Folders with the vectors of all shards, in order; none: they are calculated here.

    Returns:
        The prediction of a linear support vector machine for each probe, and how well the probes'
        people are found by the nearest vectors. Without a gallery every clip is a probe, and those
        of other scenes are its gallery; the machine leaves out people with one scene only.

    Raises:
        ValueError: too few people, or a gallery that holds no clip, or all.
    """
    cache = open_cache(run.run_dir / "cache")
    classifier = predict_sequences.load(run.run_dir / "stage2", threads=run.threads)
    clips = {clip.name: clip for clip in read_clips(cache.folder / CLIPS)}
    names, vectors = _vector_of_each_clip(classifier, cache, run.report.split, parts)
    people = [str(clips[name].label) for name in names]
    if run.report.gallery is None:
        scenes = [clips[name].group or name for name in names]
        found = retrieval.leave_one_out(vectors, people, groups=scenes)
        probes, classes, shares = _by_scenes(vectors, people, scenes, run.seed)
    else:
        gallery, probes = divide(names, people, run.report.gallery, run.report.probes)
        known = [people[i] for i in gallery]
        asked = [people[i] for i in probes]
        found = retrieval.retrieve(vectors[gallery], known, vectors[probes], asked)
        probes = [i for i in probes if people[i] in known]
        machine = fit.fit(vectors[gallery], known, _MACHINE, seed=run.seed)
        classes, shares = machine.classes, machine(vectors[probes])
    predictions = Predictions(
        split=run.report.split,
        classes=classes,
        images=tuple(Path(names[i]) for i in probes),
        persons=np.full(len(probes), -1),
        labels=np.array([classes.index(people[i]) for i in probes], int),
        probabilities=shares,
    )
    return predictions, found


def divide(
    names: Sequence[str], people: Sequence[str], pattern: str, probe_pattern: str | None = None
) -> tuple[list[int], list[int]]:
    """Returns which clips are the gallery, and which the probes: the others, or some of them.

    Raises:
        ValueError: the gallery holds fewer than two people, or every clip; or there are no probes.
    """
    compiled = compile_pattern("report.gallery", pattern, None)
    gallery = [i for i, name in enumerate(names) if compiled and compiled.search(name)]
    probes = [i for i in range(len(names)) if i not in {*gallery}]
    if len({people[i] for i in gallery}) < 2 or not probes:
        raise ValueError(
            f"report.gallery {pattern!r} must be found in the names of clips of two people or "
            f"more, and not in all. It is found in {len(gallery)} of {len(people)} test clips."
        )
    asked = compile_pattern("report.probes", probe_pattern, None)
    chosen = [i for i in probes if asked is None or asked.search(names[i])]
    if not chosen:
        raise ValueError(
            f"report.probes {probe_pattern!r} must be found in the names of test clips outside the "
            f"gallery. It is found in none of {len(probes)}, such as {names[probes[0]]!r}."
        )
    return gallery, chosen


def people_of_scenes(people: Sequence[str], scenes: Sequence[str]) -> dict[str, int]:
    """Returns how many scenes each person has who has two or more.

    Raises:
        ValueError: there are fewer than two such people.
    """
    counts = {
        person: len({s for s, p in zip(scenes, people, strict=True) if p == person})
        for person in sorted({*people})
    }
    several = {person: count for person, count in counts.items() if count > 1}
    if len(several) < 2:
        raise ValueError(
            "People never seen are looked up among their other scenes: test must hold two people "
            f"or more with two scenes or more. Received (scenes of each): {counts}. Add clips, "
            "name smaller scenes with clips.group_pattern, or name a report.gallery."
        )
    return several


def _by_scenes(
    vectors: np.ndarray, people: Sequence[str], scenes: Sequence[str], seed: int
) -> tuple[list[int], tuple[str, ...], np.ndarray]:
    """Returns the probes, and the predictions of a machine that never saw their scenes."""
    several = people_of_scenes(people, scenes)
    probes = [i for i, person in enumerate(people) if person in several]
    held = fit.cross_validate(
        vectors[probes],
        [people[i] for i in probes],
        _MACHINE,
        folds=min(_FOLDS, *several.values()),
        groups=[scenes[i] for i in probes],
        seed=seed,
    )
    return probes, held.classes, held.probabilities


def _vector_of_each_clip(
    classifier: predict_sequences.SequenceClassifier,
    cache: Cache[Any],
    split: str,
    parts: Sequence[Path],
) -> tuple[list[str], np.ndarray]:
    """Returns the clips' names and `(N, D)` float32, the mean of each one's windows."""
    entries = cache.of_split(split)
    windows = questions.answers(WINDOWS, windows_of(classifier.embed, cache, split), parts)
    rows = rows_of_clips(entries)
    vectors = np.stack([windows[of_clip].mean(axis=0) for of_clip in rows.values()])
    return [path.as_posix() for path in rows], vectors
