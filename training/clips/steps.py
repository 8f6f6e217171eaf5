"""What each step of a run on clips is made from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.skeleton import OPENPOSE18, Skeleton
from pose_activity.artifacts import renamed
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.cache import fingerprint
from pose_activity.cache.planes import PoseModelId
from pose_activity.cache.recompute import CLIPS as USED
from pose_activity.cache.record import INDEX
from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.cache.store import missing_tensors, open_cache
from pose_activity.configs import sections
from pose_activity.configs.clips import ClipRun
from pose_activity.learning.history import LEARNED_FROM
from pose_activity.stage1_pose.predict import GRAPH as POSE_GRAPH
from pose_activity.stage1_pose.predict import read_sidecar
from pose_activity.stage1_pose.weights import Download
from pose_activity.stage2_classifier.sidecar import GRAPH
from pose_activity.stage2_classifier.vectors.linear import NUMBERS, SIDECAR
from pose_activity.training.file_digest import digest_of_files, without_own
from pose_activity.training.pose_weights import digest_weights, find_weights

CLIPS, FEATURES = "clips.parquet", "features.parquet"  # of the step annotations


@dataclass(frozen=True)
class ClipPlan:
    """See `training.plan.Plan`.

    Attributes:
        run: The whole configuration.
    """

    run: ClipRun

    def steps(self) -> list[str]:
        """Returns the steps that the run needs: no stage 1 without videos, no cache of vectors."""
        unused = set() if self.run.has_videos else {"stage1"}
        if self.run.has_features:
            unused.add("cache")
        return [step for step in sections.STEPS if step not in unused]

    def recipe(self, step: str) -> dict[str, Any]:
        """Returns everything in the configuration that decides the result of a step, as JSON."""
        run = self.run
        config = run.model_dump(mode="json")
        fixed = {"seed": run.seed, "threads": run.threads}
        if step == "annotations":
            return {key: config[key] for key in ("clips", "draw", "split", "seed")}
        if step == "stage1":
            keys = ("graph",) if run.stage1.graph else ("weights", "skeleton", "export_size")
            model = {key: config["stage1"][key] for key in keys}
            return model | {"track": run.track.arguments("policy")}
        if step == "cache":
            recipe = fingerprint.sign(sequence_recipe(run), run.run_dir / "cache")
            return {**recipe.as_json(), "tensors": run.sequence.tensors}
        if step == "stage2":
            return config["stage2"] | fixed
        return config["report"] | {"open_set": run.open_set}

    def sources(self, step: str, *, download: Download | None) -> dict[str, Callable[[], str]]:
        """Returns, by name, how to take the digest of each thing read outside the run."""
        run, sources = self.run, dict[str, Callable[[], str]]()
        remember = download is not None
        clips, ranges, encoder = run.clips.path, run.clips.ranges, run.stage2.encoder
        if step == "annotations":
            sources["clips"] = lambda: _listing(clips, run.run_dir, remember)
            if ranges:
                sources["ranges"] = lambda: sha256_file(ranges)
        if step == "stage1":
            graph, weights = run.stage1.graph, run.stage1.weights
            if graph:
                sources["graph"] = lambda: sha256_file(graph / POSE_GRAPH)
            else:
                sources["weights"] = lambda: digest_weights(
                    find_weights(weights, download=download)
                )
        if step == "cache" and run.has_videos:
            sources["videos"] = lambda: _listing_of(
                {clip.source for clip in read_clips(run.run_dir / "annotations" / CLIPS)},
                run.run_dir,
                remember,
            )
        if step == "stage2" and encoder:
            sources["encoder"] = lambda: sha256_file(encoder / "stage2" / GRAPH)
        return sources

    def inner_inputs(self, step: str) -> dict[str, str]:
        """Returns the digests of what a step reads inside the run folder."""
        run = self.run
        if step in ("annotations", "stage1"):
            return {}
        table = run.run_dir / "annotations" / (FEATURES if run.has_features else CLIPS)
        if step == "cache" or run.has_features:
            inputs = {"clips": sha256_file(table)}
            if run.has_videos:
                inputs["track"] = sha256_json(renamed.in_old_names(run.track.arguments(), "track"))
        else:
            cache = open_cache(run.run_dir / "cache")
            if step == "stage2" and not run.stage2.linear:  # which keeps vectors of every split
                return {"tensors": cache.digest(LEARNED_FROM)}
            index = sha256_file(cache.folder / INDEX)
            inputs = {"cache": sha256_json([index, cache.recipe.as_json(), cache.classes])}
        if step == "report":
            read = [run.run_dir / "stage2" / name for name in (GRAPH, NUMBERS, SIDECAR)]
            read.append(run.run_dir / "cache" / USED)  # groups and labels
            inputs |= {path.name: sha256_file(path) for path in read if path.is_file()}
        return inputs

    def lost_files(self, step: str) -> list[str]:
        """Returns a line for each file of a finished step that is gone and is made again alone."""
        return missing_tensors(self.run.run_dir / step) if step == "cache" else []


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


def _listing(path: Path, run_dir: Path, remember: bool) -> str:
    """Returns a digest of a file, or of the names and contents of the files below a folder.

    Hidden files do not count, nor the run's own where the run lies in there.
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
    return _listing_of(without_own(shown, path, run_dir), run_dir, remember)


def _listing_of(files: Iterable[Path], run_dir: Path, remember: bool) -> str:
    there = sorted(path for path in files if path.is_file())
    if not there:
        raise FileNotFoundError("clips.path: not one of its files is there")
    return digest_of_files(there, run_dir, remember=remember)
