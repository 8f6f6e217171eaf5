"""What each step of a run on clips is made from, and how."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.skeleton import OPENPOSE18, Skeleton
from pose_activity.annotations.types import LEARNED_FROM
from pose_activity.artifacts import renamed
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.artifacts.shards import Shard
from pose_activity.cache.planes import PoseModelId
from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.cache.store import open_cache
from pose_activity.cache.windows import CLIPS as USED
from pose_activity.configs import sections
from pose_activity.configs.clips import ClipRun
from pose_activity.stage1_pose.predict import GRAPH as POSE_GRAPH
from pose_activity.stage1_pose.predict import read_sidecar
from pose_activity.stage2_classifier.sidecar import GRAPH
from pose_activity.stage2_classifier.vectors.linear import NUMBERS, SIDECAR
from pose_activity.training.cache_step import (
    CacheMaker,
    cache_step,
    digest_of_cache,
    make_with,
    shards_with,
)
from pose_activity.training.clips.files import FILES
from pose_activity.training.file_digest import digest_of_files, without_own
from pose_activity.training.lost_images import found_again
from pose_activity.training.own_files import REPORT_PART
from pose_activity.training.pose_weights import digest_weights
from pose_activity.training.steps import Counts, MadeFrom, Sharding, Step

CLIPS, FEATURES = "clips.parquet", "features.parquet"  # of the step annotations
_OF_LISTS = ("lists", "fold")
_Digests = dict[str, Callable[[], str]]


def step_names(run: ClipRun) -> list[str]:
    """Returns the steps that the run needs: no stage 1 without videos, no cache of vectors."""
    unused = set() if run.has_videos else {"stage1"}
    if run.has_features:
        unused.add("cache")
    return [step for step in sections.STEPS if step not in unused]


def annotations(run: ClipRun, *, remember: bool) -> Step:
    """Returns the step in which labels are read and split."""

    def recipe() -> dict[str, Any]:
        config = run.model_dump(mode="json")
        if run.clips.lists is None:  # as it was before there were any
            config["clips"] = {k: v for k, v in config["clips"].items() if k not in _OF_LISTS}
        return {key: config[key] for key in ("clips", "draw", "split", "seed")}

    def make(folder: Path, asked: MadeFrom) -> Counts:
        from pose_activity.training.clips.labels import make_annotations

        return make_annotations(run, folder)

    external: _Digests = {"clips": partial(_digest_below, run.clips.path, run.run_dir, remember)}
    if run.clips.ranges:
        external["ranges"] = partial(sha256_file, run.clips.ranges)
    if run.clips.lists:
        external["lists"] = partial(_digest_below, run.clips.lists, run.run_dir, remember)
    return Step("annotations", recipe, dict, make, FILES["annotations"], external, apart=False)


def stage1(run: ClipRun, *, remember: bool) -> Step:
    """Returns the step in which the pose model is taken and exported."""
    section = run.stage1

    def recipe() -> dict[str, Any]:
        keys = ("graph",) if section.graph else ("weights", "skeleton", "export_size")
        config = section.model_dump(mode="json")
        return {key: config[key] for key in keys} | {"track": run.track.arguments("policy")}

    def make(folder: Path, asked: MadeFrom) -> Counts:
        from pose_activity.training.clips.stage1 import make_stage1

        return make_stage1(run, folder)

    external: _Digests = (
        {"graph": partial(sha256_file, section.graph / POSE_GRAPH)}
        if section.graph
        else {"weights": partial(digest_weights, section.weights, look_only=not remember)}
    )
    apart = section.graph is None  # weights are exported by torch
    return Step("stage1", recipe, dict, make, FILES["stage1"], external, apart=apart)


def cache(run: ClipRun, *, remember: bool) -> Step:
    """Returns the step in which clips become sequences, which are stored."""
    table = run.run_dir / "annotations" / CLIPS

    def inputs() -> dict[str, str]:
        read = {"clips": sha256_file(table)}
        if run.has_videos:
            read["track"] = sha256_json(renamed.in_old_names(run.track.arguments(), "track"))
        return read

    def maker() -> CacheMaker:
        from pose_activity.training.clips.build_cache import ClipCacheMaker

        return ClipCacheMaker(run)

    def videos() -> str:
        return _digest_of({clip.source for clip in read_clips(table)}, run.run_dir, remember)

    def videos_of(shard: Shard) -> dict[str, str]:
        if not run.has_videos:
            return {}
        clips = [clip for clip in read_clips(table) if clip.split]
        files = sorted({clip.source for clip in shard.take(clips)})
        return {"videos": digest_of_files(files, run.run_dir, remember=False)}

    return cache_step(
        run.run_dir,
        partial(sequence_recipe, run),
        inputs,
        make_with(maker),
        tensors=run.sequence.tensors,
        files=FILES["cache"],
        external_inputs={"videos": videos} if run.has_videos else {},
        sharding=shards_with(maker, videos_of),
    )


def stage2(run: ClipRun, *, remember: bool) -> Step:
    """Returns the step in which the classifier is trained and exported."""
    section = run.stage2

    def recipe() -> dict[str, Any]:
        config = run.model_dump(mode="json")["stage2"]
        return config | {"seed": run.seed, "threads": run.threads}

    def inputs() -> dict[str, str]:
        if run.has_features or section.linear:  # which keeps vectors of every split
            return _learned(run)
        return {"tensors": open_cache(run.run_dir / "cache").digest(LEARNED_FROM)}

    def make(folder: Path, asked: MadeFrom, *, finish: bool = False) -> Counts:
        from pose_activity.training.clips.train import make_stage2

        return make_stage2(run, folder, finish=finish)

    encoder = section.encoder
    external = {"encoder": partial(sha256_file, encoder / "stage2" / GRAPH)} if encoder else {}
    return Step("stage2", recipe, inputs, make, FILES["stage2"], external)


def report(run: ClipRun, *, remember: bool) -> Step:
    """Returns the step in which the classifier is judged."""

    def recipe() -> dict[str, Any]:
        asked = run.report.model_dump(mode="json")
        if run.report.probes is None:  # as it was before they could be chosen
            del asked["probes"]
        if not run.report.hide_faces:  # likewise
            del asked["hide_faces"]
        return asked | {"open_set": run.open_set}

    def inputs() -> dict[str, str]:
        read = [run.run_dir / "stage2" / name for name in (GRAPH, NUMBERS, SIDECAR)]
        read.append(run.run_dir / "cache" / USED)  # groups and labels
        return _learned(run) | {path.name: sha256_file(path) for path in read if path.is_file()}

    def make(folder: Path, asked: MadeFrom, *, parts: Sequence[Path] = ()) -> Counts:
        from pose_activity.training.clips.report import make_report

        return make_report(run, folder, parts)

    def make_part() -> Callable[[Path, MadeFrom, Shard], Counts]:
        from pose_activity.training.clips.report import part_maker

        return part_maker(run)

    sharding = Sharding(lambda _: {}, make_part, files=REPORT_PART)
    return Step(
        "report",
        recipe,
        inputs,
        make,
        FILES["report"],
        lost_files=partial(found_again, run.run_dir / "report", partial(shown_videos, run)),
        sharding=None if run.has_features else sharding,
        apart=False,
    )


def shown_videos(run: ClipRun) -> list[Path]:
    """Returns the videos that the report's page may show frames of."""
    if not run.has_videos:
        return []
    clips = read_clips(run.run_dir / "cache" / USED)
    return [clip.source for clip in clips if clip.split == run.report.split]


def _learned(run: ClipRun) -> dict[str, str]:
    """Returns the digest of all clips' sequences, or of the table of features."""
    if run.has_features:
        return {"clips": sha256_file(run.run_dir / "annotations" / FEATURES)}
    return {"cache": digest_of_cache(run.run_dir)}


def sequence_recipe(run: ClipRun) -> SequenceRecipe:
    """Returns what the run's tensors are to be; of videos, stage 1 must be finished."""
    recipe = SequenceRecipe(**run.sequence.arguments("tensors"))
    if not run.has_videos:
        return recipe
    graph = read_sidecar(run.run_dir / "stage1")
    found = Skeleton.from_json(graph["skeleton"])
    if recipe.body not in (found, OPENPOSE18):
        raise ValueError(
            f"sequence.skeleton must be stage 1's {found.name!r}, or 'openpose18', which it can "
            f"become. Received: {run.sequence.skeleton!r}"
        )
    pose = PoseModelId(
        sha256=graph["sha256"],
        size=graph["size"],
        skeleton=found.name,
        **run.stage1.predict.arguments(),
    )
    return replace(recipe, pose=pose)


def _digest_below(path: Path, run_dir: Path, remember: bool) -> str:
    """Returns a digest of a file, or of the names and contents of the files below a folder.

    Hidden files do not count, nor those of a run folder inside it.
    """
    if path.is_file():
        return sha256_file(path)
    if not path.is_dir():
        raise FileNotFoundError(f"clips.path: no such file or folder: {path}")
    shown = (
        file
        for file in path.rglob("*")
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    return _digest_of(without_own(shown, path, run_dir), run_dir, remember)


def _digest_of(files: Iterable[Path], run_dir: Path, remember: bool) -> str:
    there = sorted(path for path in files if path.is_file())
    if not there:
        raise FileNotFoundError("clips.path: not one of its files is there")
    return digest_of_files(there, run_dir, remember=remember)
