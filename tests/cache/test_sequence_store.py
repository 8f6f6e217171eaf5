"""A cache of clips: the same store, and the tensors that inference would make."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pose_activity.annotations.clip_files import write_clips
from pose_activity.annotations.clips import Clip
from pose_activity.artifacts import manifest
from pose_activity.cache import store
from pose_activity.cache.record import Arrays
from pose_activity.cache.sequence import make
from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.cache.storage import NpyFiles
from pose_activity.cache.windows import CLIPS, ClipWindow, windows_of
from tests.cache.fakes import clip_of, walk

ROOT = Path(__file__).resolve().parents[2]
RECIPE = SequenceRecipe(frames=20, windows="sliding", stride=10)
MAPS = replace(RECIPE, kind="maps", width=12, height=16)
MODES: tuple[store.Tensors, ...] = ("disk", "memory_map")


@pytest.fixture
def clips() -> list[Clip]:
    splits = ("train", "train", "train", "val", "test", "test")
    return [
        walk(20 + 7 * n, n, lost=0.2, label=f"person {n % 2}", split=split)
        for n, split in enumerate(splits)
    ]


def build(
    folder: Path,
    clips: list[Clip],
    recipe: SequenceRecipe = RECIPE,
    tensors: store.Tensors = "disk",
) -> store.Cache[SequenceRecipe]:
    folder.mkdir(exist_ok=True)
    write_clips(folder / CLIPS, clips)
    windows, left_out = windows_of(clips, recipe)
    assert not left_out
    classes = ["person 0", "person 1"]
    asked = {"recipe": recipe, "classes": classes, "inputs": {"a": "1"}, "tensors": tensors}
    cache, unreadable = store.build(folder, windows, **asked)
    assert not unreadable
    return cache


@pytest.mark.parametrize("recipe", [RECIPE, MAPS])
@pytest.mark.parametrize("tensors", MODES)
def test_what_is_stored_is_what_inference_makes(
    tmp_path: Path, clips: list[Clip], tensors: store.Tensors, recipe: SequenceRecipe
) -> None:
    cache = build(tmp_path / "cache", clips, recipe, tensors)
    assert store.open_cache(tmp_path / "cache") == cache and cache.recipe == recipe
    loaded = {(e.source, e.window): cache.load(e, verify=True) for e in cache.entries}
    assert len(loaded) == len(cache.entries)
    for clip in clips:
        expected = make(clip, recipe).tensors
        for window, tensor in enumerate(expected):
            stored = loaded.pop((Path(clip.name), window)).x
            assert stored.dtype == tensor.dtype and stored.tobytes() == tensor.tobytes()
    assert not loaded
    facts = [
        (e.target, e.split, e.person) for e in cache.entries if e.source == Path(clips[3].name)
    ]
    assert facts == [("person 1", "val", -1)] * 4


def test_all_kinds_hold_the_same(tmp_path: Path, clips: list[Clip]) -> None:
    for tensors in MODES:
        build(tmp_path / tensors, clips, tensors=tensors)
    assert len({(tmp_path / tensors / store.INDEX).read_bytes() for tensors in MODES}) == 1
    cache = store.open_cache(tmp_path / "memory_map")
    array = np.load(tmp_path / "memory_map" / "tensors" / "train.npy", allow_pickle=False)
    expected = np.concatenate([make(clip, RECIPE).tensors for clip in clips[:3]])
    assert array.dtype == np.float32 and np.array_equal(array, expected)
    assert len(cache.of_split("train")) == len(array)


def test_the_text_beside_a_window_says_which_one_it_is(tmp_path: Path, clips: list[Clip]) -> None:
    cache = build(tmp_path / "cache", clips)
    entry = cache.of_split("test")[2]
    path = NpyFiles(cache.folder, cache.recipe).path(entry.key)
    assert path.name.startswith("walk-") and path.name.endswith("-w2.npy")
    assert path.with_suffix(".txt").read_text(encoding="utf-8") == (
        "label: person 0\nimage: person04/walk\nsplit: test\nperson: -1\nwindow: 2\n"
        f"made_from: {entry.made_from}\nsha256: {entry.sha256}\n"
    )
    counts = json.loads((cache.folder / manifest.NAME).read_text(encoding="utf-8"))["counts"]
    assert counts.pop("learned") == cache.rows_digest(("train", "val"))
    assert counts == {"classes": ["person 0", "person 1"], "clips": 6}


def test_clips_without_a_window_are_named(clips: list[Clip]) -> None:
    nothing = np.zeros((30, 18, 3), np.float32)
    empty = clip_of(nothing, "nobody", label="person 0", split="train")
    windows, left_out = windows_of([clips[0], empty], RECIPE)
    assert [window.entry.window for window in windows] == [0]
    assert left_out == {"nobody": "nobody was found in any of its frames"}
    seen = []
    windows, left_out = windows_of(
        clips[:2], replace(RECIPE, frames=25, short="error"), lambda *told: seen.append(told)
    )
    assert {window.clip.name for window in windows} == {"person01/walk"}
    assert list(left_out) == ["person00/walk"] and "Received: 20" in left_out["person00/walk"]
    assert seen == [(1, 2, "person00/walk"), (2, 2, "person01/walk")]


def test_a_clip_needs_a_label_and_a_split(clips: list[Clip]) -> None:
    for missing in ("label", "split"):
        with pytest.raises(ValueError, match=f"person00/walk: .* must have .*{missing} None"):
            windows_of([replace(clips[0], **{missing: None})], RECIPE)


def test_without_any_window_there_is_no_cache(tmp_path: Path) -> None:
    with pytest.raises(
        store.CacheError, match="must have at least one tensor. Received: no source"
    ):
        store.build(tmp_path / "cache", [], recipe=RECIPE, classes=["person 0"], inputs={})
    assert not (tmp_path / "cache").exists()


def test_a_window_must_come_once(tmp_path: Path, clips: list[Clip]) -> None:
    windows = [ClipWindow(clips[0], 0), ClipWindow(clips[0], 0)]
    with pytest.raises(store.CacheError, match="clip must come once. Received twice: person00"):
        store.build(tmp_path, windows, recipe=RECIPE, classes=["person 0"], inputs={})


def test_another_kind_of_tensor_wipes_the_old_ones(tmp_path: Path, clips: list[Clip]) -> None:
    for recipe in (RECIPE, MAPS, RECIPE):
        cache = build(tmp_path / "cache", clips, recipe)
        assert cache.load(cache.entries[0]).x.shape == recipe.shape
        assert len(list((cache.folder / "tensors").glob("*.npy"))) == len(cache.entries)


@pytest.mark.parametrize("tensors", ["disk", "memory_map"])
def test_a_tensor_of_another_type_is_refused(
    tmp_path: Path, clips: list[Clip], tensors: store.Tensors
) -> None:
    cache = build(tmp_path / "cache", clips, tensors=tensors)
    entry = cache.entries[0]
    name = f"{entry.key}.npy" if tensors == "disk" else "train.npy"
    path = cache.folder / "tensors" / name
    np.save(path, np.load(path).astype(np.float64))
    message = r"should be float32 \(20, 18, 3\). Received: float64 \(20, 18, 3\)"
    with pytest.raises(store.CacheError, match=message):
        cache.load(entry)


@pytest.mark.parametrize("tensors", ["disk", "memory_map"])
def test_an_altered_tensor_is_found_and_only_it_is_made_again(
    tmp_path: Path,
    clips: list[Clip],
    tensors: store.Tensors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = build(tmp_path / "cache", clips, tensors=tensors)
    last = cache.of_split("train")[-1]
    name = f"{last.key}.npy" if tensors == "disk" else "train.npy"
    path = cache.folder / "tensors" / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(store.CacheError, match="person02/walk was altered.*Delete"):
        store.open_cache(cache.folder).load(last, verify=True)
    (cache.folder / manifest.NAME).unlink()
    drawn = drawn_again(monkeypatch)
    assert build(cache.folder, clips, tensors=tensors) == cache
    assert drawn == [(str(last.source), last.window)] and path.read_bytes() == whole


def drawn_again(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """A list to which the windows are added that `build` makes."""
    drawn, draw = [], ClipWindow.draw

    def noted(self: ClipWindow, recipe: SequenceRecipe) -> Arrays:
        drawn.append((self.clip.name, self.window))
        return draw(self, recipe)

    monkeypatch.setattr(ClipWindow, "draw", noted)
    return drawn


@pytest.mark.parametrize("tensors", MODES)
def test_killed_and_run_again_it_ends_the_same_and_keeps_what_was_done(
    tmp_path: Path,
    clips: list[Clip],
    tensors: store.Tensors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = build(tmp_path / "whole", clips, tensors=tensors)
    code = """
import os, signal, sys
from pathlib import Path
from pose_activity.annotations.clip_files import read_clips
from pose_activity.cache import store
from pose_activity.cache.windows import CLIPS, windows_of
from pose_activity.cache.sequence_recipe import SequenceRecipe
folder = Path(sys.argv[1])
recipe = SequenceRecipe(frames=20, windows="sliding", stride=10)
def die(done, total, name):
    if done == 5:
        os.kill(os.getpid(), signal.SIGKILL)
store.build(folder, windows_of(read_clips(folder / CLIPS), recipe)[0], recipe=recipe,
            classes=["person 0", "person 1"], inputs={"a": "1"}, tensors=sys.argv[2], threads=1,
            on_progress=die)
"""
    killed = tmp_path / "killed"
    killed.mkdir()
    write_clips(killed / CLIPS, clips)
    command = [sys.executable, "-c", code, str(killed), tensors]
    assert subprocess.run(command, cwd=ROOT).returncode == -signal.SIGKILL
    with pytest.raises(store.CacheError, match="not a finished cache"):
        store.open_cache(killed)
    drawn = drawn_again(monkeypatch)
    assert build(killed, clips, tensors=tensors).entries == whole.entries
    windows = [(str(entry.source), entry.window) for entry in whole.entries]
    assert sorted(drawn) == windows[5:]
    for path in (tmp_path / "whole" / "tensors").glob("*"):
        assert path.read_bytes() == (killed / "tensors" / path.name).read_bytes()


def test_an_index_without_windows_can_still_be_read(tmp_path: Path, clips: list[Clip]) -> None:
    """Caches of pictures that were built before there were clips."""
    cache = build(tmp_path, clips[:1])
    old = pq.read_table(tmp_path / store.INDEX).drop_columns(["window", "made_from"])
    pq.write_table(old, tmp_path / store.INDEX)
    written = json.loads((tmp_path / manifest.NAME).read_text(encoding="utf-8"))
    written["outputs"][store.INDEX] = manifest.sha256_file(tmp_path / store.INDEX)
    (tmp_path / manifest.NAME).write_text(json.dumps(written), encoding="utf-8")
    older = replace(cache.entries[0], window=-1, made_from="")
    assert store.open_cache(tmp_path).entries == (older,)
    pq.write_table(old.drop_columns("person"), tmp_path / store.INDEX)
    written["outputs"][store.INDEX] = manifest.sha256_file(tmp_path / store.INDEX)
    (tmp_path / manifest.NAME).write_text(json.dumps(written), encoding="utf-8")
    with pytest.raises(store.CacheError, match="written by an older version"):
        store.open_cache(tmp_path)
