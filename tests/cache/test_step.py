"""The step `cache` of train.py: skipped when finished, made again with a reason, in every kind."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.types import SPLITS
from pose_activity.artifacts import manifest
from pose_activity.cache.store import Tensors, altered_tensors, open_cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.training.runs import open_run
from pose_activity.training.steps import run_step
from tests.commands import copy_of, drawn_in

KIND: Tensors = "memory_map"


class Copy:
    """A copy of the tiny run whose steps are called as `train.py` calls them."""

    def __init__(self, tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = copy_of(tiny_run, tmp_path)
        self.drawn = drawn_in(tiny_run)
        self.data = self.drawn[1::2]
        self.capsys = capsys

    def asked(self, *settings: str) -> PictureRun:
        settings = (f"run_dir={self.folder}", *self.data, *settings)
        run = open_run(self.folder, None, settings)
        assert isinstance(run, PictureRun)
        return run

    def cache(self, *settings: str) -> str:
        """Returns what the step said."""
        self.capsys.readouterr()
        run_step(self.asked(*settings), "cache")
        return self.capsys.readouterr().out

    def watched_by(self, tiny_run: Path, *settings: str) -> tuple[str, ...]:
        """Lets the graph of the tiny run watch, which needs no torch; returns what asks for it."""
        asked = (f"stage1={{train: false, graph: {tiny_run / 'stage1'}}}", *settings)
        for step in ("annotations", "stage1"):
            run_step(self.asked(*asked), step)
        return asked

    def times(self) -> dict[Path, int]:
        return {p: p.stat().st_mtime_ns for p in self.folder.rglob("*") if p.is_file()}


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Copy:
    return Copy(tiny_run, tmp_path, capsys)


def test_another_kind_rebuilds_the_cache_alone(run: Copy, tiny_run: Path) -> None:
    kind = f"cache.tensors={KIND}"
    poses = run.times()[run.folder / "cache" / "poses.parquet"]
    assert f"recipe.tensors: 'disk' -> '{KIND}'" in run.cache(kind)
    assert run.times()[run.folder / "cache" / "poses.parquet"] == poses
    old, new = open_cache(tiny_run / "cache"), open_cache(run.folder / "cache")
    assert (new.tensors, new.entries, new.recipe) == (KIND, old.entries, old.recipe)
    for entry in new.entries[::5]:
        assert np.array_equal(new.load(entry, verify=True).x, old.load(entry).x)
    before = run.times()
    assert "up to date" in run.cache(kind)
    run_step(run.asked(kind), "stage2")  # what was trained on the same tensors stays
    assert before == run.times()


def test_a_persons_view_needs_no_other_poses(run: Copy, tiny_run: Path) -> None:
    poses = run.times()[run.folder / "cache" / "poses.parquet"]
    view = ("cache.person_view.size=32", "stage2.linear.folds=5", "stage2.weights=imagenet")
    view += ("stage2.epochs=25",)  # the default: a linear head has none
    said = run.cache(*view, "cache.tensors=memory_map")
    assert "recipe.person_view: '(absent)' ->" in said and "fingerprint" not in said
    assert run.times()[run.folder / "cache" / "poses.parquet"] == poses
    old, new = open_cache(tiny_run / "cache"), open_cache(run.folder / "cache")
    for before, entry in zip(old.entries[::5], new.entries[::5], strict=True):
        x = new.load(entry, verify=True).x
        assert np.array_equal(x["picture"], old.load(before).x)
        assert x["person"].shape == (32, 32, 3) and x["found"].shape == (1,)
    assert "up to date" in run.cache(*view, "cache.tensors=memory_map")
    kinds = {path.name for path in (run.folder / "cache" / "tensors").glob("train.*")}
    assert kinds == {"train.txt", *(f"train.{n}.npy" for n in ("picture", "person", "found"))}
    # Without it the cache is the one that it was.
    back = run.cache("cache.person_view=null", "cache.tensors=disk")
    assert "-> '(absent)'" in back
    assert open_cache(run.folder / "cache").digest(SPLITS) == old.digest(SPLITS)


def test_what_is_lost_is_made_again_with_the_reason(run: Copy) -> None:
    kind = f"cache.tensors={KIND}"
    run.cache(kind)
    lost = run.folder / "cache" / "tensors" / "val.npy"
    index = (run.folder / "cache" / "index.parquet").read_bytes()
    lost.unlink()
    assert f"{lost.name}: missing" in run.cache(kind)
    assert lost.exists() and "up to date" in run.cache(kind)
    assert (run.folder / "cache" / "index.parquet").read_bytes() == index


@pytest.mark.parametrize("tensors", ["disk", "memory_map"])
def test_an_altered_tensor_is_named_and_drawn_again(run: Copy, tensors: str) -> None:
    kind = f"cache.tensors={tensors}"
    run.cache(kind)
    folder = run.folder / "cache"
    file = min((folder / "tensors").glob("*.npy"))
    before = file.read_bytes()
    assert altered_tensors(folder) == []
    os.utime(file)  # copied, or touched
    assert altered_tensors(folder) == []
    file.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    (line,) = altered_tensors(folder)
    assert line in run.cache(kind)
    assert file.read_bytes() == before and altered_tensors(folder) == []
    assert "up to date" in run.cache(kind)


def test_each_person_is_a_tensor_and_who_is_left_out_is_listed(run: Copy, tiny_run: Path) -> None:
    each = (
        "cache.people=each",
        "stage1.predict.confidence=0.0005",
        "stage1.predict.max_people=3",
    )
    each = run.watched_by(tiny_run, *each)
    said = run.cache(*each)
    assert "'centre_and_farthest' -> 'each'" in said
    assert "got their picture's activity" in " ".join(said.split())
    cache = open_cache(run.folder / "cache")
    assert cache.recipe.one_by_one and min(entry.person for entry in cache.entries) == 0
    unmatched = rows_of(run)
    left_out = {row["image"] for row in unmatched}
    pictures = {str(entry.source) for entry in open_cache(tiny_run / "cache").entries}
    assert {str(entry.source) for entry in cache.entries} == pictures - left_out
    found = manifest.read(run.folder / "cache")
    assert found is not None and found["counts"]["unmatched"] == len(unmatched)
    assert "up to date" in run.cache(*each)


def test_a_split_without_people_is_refused_before_training(run: Copy, tiny_run: Path) -> None:
    nobody = ("cache.people=each", "stage1.predict.confidence=1.0")
    nobody = run.watched_by(tiny_run, *nobody)
    with pytest.raises(ValueError, match="No tensor for train and val and test: of .* 0 tensors"):
        run.cache(*nobody)
    rows = rows_of(run)
    assert len(rows) == len(open_cache(tiny_run / "cache").entries)
    assert {row["reason"] for row in rows} == {"nobody was found in the picture"}


def rows_of(run: Copy) -> list[dict[str, str]]:
    with (run.folder / "cache" / "unmatched.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
