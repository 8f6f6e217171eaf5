"""The step `cache` of a run on clips: people are followed through videos, sequences stored.

    cache/watched/KEY.parquet   what stage 1 saw of one clip: written once, before any sequence
    cache/clips.parquet         all clips with their joints
    cache/left_out.csv          clips that became no sequence, and why

A run that was killed continues with the clips that it has not tracked yet. A shard, a share of the
clips, leaves the same files; merging puts them together, `watched` too.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from pose_activity.annotations import sample_files
from pose_activity.annotations.clip_files import read_clips, write_clips
from pose_activity.annotations.clips import Clip
from pose_activity.annotations.images import ImageError
from pose_activity.annotations.types import Rejection
from pose_activity.artifacts import atomic, csv_text, manifest
from pose_activity.artifacts.removal import remove_tree
from pose_activity.artifacts.shards import UNDIVIDED, Shard
from pose_activity.cache import store
from pose_activity.cache.record import Entry, key_of
from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.cache.store import StoredTensors
from pose_activity.cache.windows import CLIPS, windows_of
from pose_activity.configs.clips import ClipRun
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage1_pose import predict
from pose_activity.stage1_pose.track_video import clip_of_video
from pose_activity.training.cache_step import build_tensors, merge_tensors
from pose_activity.training.clips import steps
from pose_activity.training.console import console, say_notes
from pose_activity.training.file_digest import FileDigests
from pose_activity.training.steps import Counts, MadeFrom

WATCHED, LEFT_OUT = "watched", "left_out.csv"
_ASKED = "asked.json"  # in WATCHED: what its files were made by


class ClipCacheMaker:
    """A `training.cache_step.CacheMaker`; the pose graph is loaded when it is first asked for."""

    def __init__(self, run: ClipRun) -> None:
        clips = read_clips(run.run_dir / "annotations" / steps.CLIPS)
        self.items = [clip for clip in clips if clip.split]
        self._run = run
        self._pose = cache(
            partial(
                predict.load,
                run.run_dir / "stage1",
                threads=run.threads,
                streams=run.threads,
                keep=run.stage1.predict,
            )
        )

    def draw(
        self,
        folder: Path,
        asked: MadeFrom[StoredTensors[SequenceRecipe]],
        items: Sequence[Clip],
        shard: Shard = UNDIVIDED,
    ) -> Counts:
        """Follows the people of every video, cuts every clip into sequences and stores them."""
        run, recipe, clips = self._run, asked.recipe.recipe, items
        unreadable: dict[str, str] = {}
        if run.has_videos:
            clips, unreadable = _watch(
                run, items, folder / WATCHED, _watching(run, recipe), self._pose
            )
        write_clips(folder / CLIPS, clips)
        with progress_bar("cutting clips", console) as show:
            sources, without = windows_of(clips, recipe, on_progress=show)
        reasons = unreadable | without
        left_out = {
            clip.name: reasons[clip.name].removeprefix(f"{clip.name}: ")
            for clip in items
            if clip.name in reasons
        }
        rows = [Rejection(Path(name), "no_sequence", why) for name, why in left_out.items()]
        sample_files.write_rejections(folder / LEFT_OUT, rows)
        say_notes(f"{name}: {why}" for name, why in left_out.items())
        if shard == UNDIVIDED:
            _check_splits(run, (source.entry for source in sources), folder / LEFT_OUT)
        built, _ = build_tensors(
            folder,
            asked,
            sources,
            classes=_classes(clips),
            threads=run.threads,
            shard=shard,
            title="storing sequences",
        )
        return {"sequences": len(built.entries), "left_out": len(left_out)}

    def merge(
        self, folder: Path, asked: MadeFrom[StoredTensors[SequenceRecipe]], parts: Sequence[Path]
    ) -> Counts:
        """See `CacheMaker`; what stage 1 saw is taken over too, for another recipe."""
        run, recipe = self._run, asked.recipe.recipe
        if run.has_videos:
            _keep_only(folder / WATCHED, _watching(run, recipe))
            for part in parts:
                for path in (part / WATCHED).glob("*.parquet"):
                    atomic.link(path, folder / WATCHED / path.name)
        clips = [clip for part in parts for clip in read_clips(part / CLIPS)]
        write_clips(folder / CLIPS, clips)
        atomic.write_bytes(folder / LEFT_OUT, csv_text.joined([part / LEFT_OUT for part in parts]))
        entries = (entry for part in parts for entry in store.open_cache(part).entries)
        _check_splits(run, entries, folder / LEFT_OUT)
        counted = ("sequences", "left_out")
        return merge_tensors(folder, asked, parts, classes=_classes(clips), counted=counted)


def _watching(run: ClipRun, recipe: SequenceRecipe) -> dict[str, Any]:
    """Returns what decides what stage 1 sees of a clip."""
    return {"pose": recipe.as_json()["pose"], "track": run.track.arguments()}


def _watch(
    run: ClipRun,
    clips: Sequence[Clip],
    folder: Path,
    asked: dict[str, Any],
    load: Callable[[], predict.PosePredictor],
) -> tuple[list[Clip], dict[str, str]]:
    """Returns the clips with the joints of the person whom each is about, and unreadable ones.

    A clip that was watched before is read from `folder`, or from the run's cache where `folder` is
    that of a shard, unless it was watched otherwise.
    """
    _keep_only(folder, asked)
    before = run.run_dir / "cache" / WATCHED
    is_known = before != folder and manifest.begun(before / _ASKED, asked) == []
    watched, unreadable, digests = [], {}, FileDigests(run.run_dir)
    with progress_bar("following people", console) as show:
        for done, clip in enumerate(clips, 1):
            path = folder / f"{key_of(Path(clip.name))}-{_state_of(clip, digests)}.parquet"
            if is_known and not path.exists() and (before / path.name).exists():
                atomic.link(before / path.name, path)
            try:
                found = read_clips(path)[0] if path.exists() else _follow(run, clip, load(), path)
            except ImageError as error:
                unreadable[clip.name] = str(error)
            else:
                joints = {n: getattr(found, n) for n in ("skeleton", "keypoints", "times")}
                watched.append(replace(clip, **joints))
            show(done, len(clips), clip.name)
    return watched, unreadable


def _state_of(clip: Clip, digests: FileDigests) -> str:
    """Returns what changes when the video does, or the part of it that the clip is."""
    content = digests.of(clip.source) if clip.source.is_file() else None
    return manifest.sha256_json([clip.span, content])[:12]


def _follow(run: ClipRun, clip: Clip, pose: predict.PosePredictor, path: Path) -> Clip:
    found = clip_of_video(
        clip.source,
        clip.span,
        pose,
        policy=run.track.policy,
        tracking=run.track,
        workers=run.threads,
    )
    write_clips(path, [found])
    return found


def _keep_only(folder: Path, asked: dict[str, Any]) -> None:
    """Keeps in `folder` only what was tracked with this graph and these settings."""
    note = folder / _ASKED
    if manifest.begun(note, asked) == []:
        return
    remove_tree(folder)
    atomic.write_json(note, asked)


def _classes(clips: Sequence[Clip]) -> list[str]:
    """Returns the classes of the network; people who are only in test are not among them."""
    return sorted({str(clip.label) for clip in clips if clip.split != "test"})


def _check_splits(run: ClipRun, entries: Iterable[Entry], left_out: Path) -> None:
    """Refuses what would only fail after all training."""
    labels: dict[str, set[str | None]] = {"train": set(), run.report.split: set()}
    for entry in entries:
        labels.setdefault(entry.split, set()).add(entry.target)
    train, judged = labels["train"], labels[run.report.split]
    strange = sorted(map(str, judged - train)) if not run.open_set else []
    if len(train) > 1 and judged and not strange:
        return
    with left_out.open(encoding="utf-8", newline="") as file:
        _, *rows = csv_text.read(file)
    why = "; ".join(f"{name}: {text}" for name, _, text in rows[:3])
    raise ValueError(
        "There must be sequences of two classes or more in train, and of each class that "
        f"{run.report.split} holds. Received: {len(train)} classes in train, {len(judged)} in "
        f"{run.report.split}{f', of these not in train: {strange}' if strange else ''}. "
        f"{len(rows)} clips became no sequence ({why}), see {LEFT_OUT}: add clips, or change "
        "sequence.short, sequence.frames or stage1.predict.confidence."
    )
