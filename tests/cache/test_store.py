"""A cache knows when it is stale, unfinished or damaged."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotations.images import load_rgb
from artifacts import manifest
from cache import store
from cache.planes import Recipe, make

ROOT = Path(__file__).resolve().parents[2]
RECIPE = Recipe(planes=("rgb",), width=48, height=32)


@pytest.fixture
def sources(tmp_path: Path) -> list[store.Source]:
    rng = np.random.default_rng(0)
    made = []
    for n in range(6):
        image = tmp_path / "photos" / f"photo {n} é.png"
        image.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(image), rng.integers(0, 255, (40, 60, 3), np.uint8))
        split = ("train", "train", "train", "val", "test", "test")[n]
        made.append(store.Source(image, f"class {n % 2}", split, None))
    return made


def build(folder: Path, sources: list[store.Source], recipe: Recipe = RECIPE) -> store.Cache:
    cache, unreadable = store.build(
        folder, sources, recipe=recipe, classes=["class 0", "class 1"], inputs={"a": "1"}
    )
    assert not unreadable
    return cache


def test_what_is_stored_is_what_make_made(tmp_path: Path, sources: list[store.Source]) -> None:
    cache = build(tmp_path / "cache", sources)
    assert [entry.image for entry in cache.entries] == [source.image for source in sources]
    assert [cache.class_id(entry) for entry in cache.entries] == [0, 1, 0, 1, 0, 1]
    assert [len(cache.of_split(split)) for split in ("train", "val", "test")] == [3, 1, 2]
    for entry in cache.entries:
        expected = make(load_rgb(entry.image), None, RECIPE)
        assert np.array_equal(cache.load(entry, verify=True), expected)
        as_float = cache.load(entry, dtype=np.float32)
        assert as_float.dtype == np.float32 and np.array_equal(as_float, expected)
        text = store.tensor_path(cache.folder, entry.key).with_suffix(".txt").read_text()
        assert text == f"label: {entry.label}\nimage: {entry.image}\nsplit: {entry.split}\n"


def test_reopening_gives_the_same(tmp_path: Path, sources: list[store.Source]) -> None:
    cache = build(tmp_path / "cache", sources)
    assert store.open_cache(tmp_path / "cache") == cache


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be read"),
        (b"\x93NUMPY", "cannot be read"),
        (b"not an array", "cannot be read"),
    ],
)
def test_a_damaged_tensor_is_named_with_the_fix(
    tmp_path: Path, sources: list[store.Source], data: bytes, message: str
) -> None:
    cache = build(tmp_path / "cache", sources)
    path = store.tensor_path(cache.folder, cache.entries[2].key)
    path.write_bytes(data)
    with pytest.raises(store.CacheError, match=f"(?s)photo 2.*{message}.*Delete it and run"):
        cache.load(cache.entries[2])


def test_truncated_foreign_and_altered_tensors(tmp_path: Path, sources: list[store.Source]) -> None:
    cache = build(tmp_path / "cache", sources)
    entry = cache.entries[0]
    path = store.tensor_path(cache.folder, entry.key)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(store.CacheError, match="cannot be read"):
        cache.load(entry)
    np.save(path, np.zeros((32, 48, 4), np.uint8))
    with pytest.raises(store.CacheError, match=r"should be uint8 \(32, 48, 3\). Received: uint8"):
        cache.load(entry)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(store.CacheError, match="was altered after it was written"):
        cache.load(entry, verify=True)
    np.save(path, np.array({"a": 1}, dtype=object), allow_pickle=True)
    with pytest.raises(store.CacheError, match="cannot be read"):
        cache.load(entry)


def test_without_a_manifest_it_is_unfinished(tmp_path: Path, sources: list[store.Source]) -> None:
    build(tmp_path / "cache", sources)
    (tmp_path / "cache" / manifest.NAME).unlink()
    with pytest.raises(store.CacheError, match="no finished cache"):
        store.open_cache(tmp_path / "cache")


def test_an_altered_index_is_refused(tmp_path: Path, sources: list[store.Source]) -> None:
    build(tmp_path / "cache", sources)
    (tmp_path / "cache" / store.INDEX).write_bytes(b"x")
    with pytest.raises(store.CacheError, match="altered since it was written"):
        store.open_cache(tmp_path / "cache")


def test_another_recipe_wipes_the_old_tensors(tmp_path: Path, sources: list[store.Source]) -> None:
    build(tmp_path / "cache", sources)
    cache = build(tmp_path / "cache", sources[:3], Recipe(planes=("rgb",), width=32, height=32))
    assert len(list((tmp_path / "cache" / store.TENSORS).glob("*.npy"))) == 3
    assert cache.load(cache.entries[0]).shape == (32, 32, 3)


def test_a_deleted_tensor_is_seen_and_only_it_is_made_again(
    tmp_path: Path, sources: list[store.Source]
) -> None:
    cache = build(tmp_path / "cache", sources)
    gone, kept = (store.tensor_path(cache.folder, cache.entries[n].key) for n in (2, 3))
    assert store.missing_tensors(cache.folder) == []
    gone.unlink()
    assert store.missing_tensors(cache.folder) == [f"{gone.name}: missing"]
    written = os.stat(kept).st_mtime_ns
    assert build(tmp_path / "cache", sources) == cache
    assert gone.exists() and os.stat(kept).st_mtime_ns == written


def test_undecodable_pictures_are_named_and_left_out(
    tmp_path: Path, sources: list[store.Source]
) -> None:
    sources[1].image.write_bytes(b"")
    cache, unreadable = store.build(
        tmp_path / "cache", sources, recipe=RECIPE, classes=["class 0", "class 1"], inputs={}
    )
    assert len(cache.entries) == 5 and list(unreadable) == [sources[1].image]
    assert "is empty" in unreadable[sources[1].image]
    with pytest.raises(store.CacheError, match="not one of 1 pictures could be read"):
        store.build(tmp_path / "none", sources[1:2], recipe=RECIPE, classes=["a"], inputs={})


def test_a_picture_must_come_once(tmp_path: Path, sources: list[store.Source]) -> None:
    with pytest.raises(store.CacheError, match="must come once"):
        build(tmp_path / "cache", [*sources, sources[0]])


def test_killed_and_run_again_it_ends_the_same_and_keeps_what_was_done(
    tmp_path: Path, sources: list[store.Source]
) -> None:
    whole = build(tmp_path / "whole", sources)
    code = """
import os, signal, sys
from pathlib import Path
from cache import store
from cache.planes import Recipe
images = sorted(Path(sys.argv[1]).glob("*.png"))
splits = ("train", "train", "train", "val", "test", "test")
sources = [store.Source(p, f"class {n % 2}", splits[n], None) for n, p in enumerate(images)]
def die(done, total, name):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)
store.build(Path(sys.argv[2]), sources, recipe=Recipe(planes=("rgb",), width=48, height=32),
            classes=["class 0", "class 1"], inputs={"a": "1"}, threads=1, on_progress=die)
"""
    killed = tmp_path / "killed"
    command = [sys.executable, "-c", code, str(tmp_path / "photos"), str(killed)]
    assert subprocess.run(command, cwd=ROOT).returncode == -signal.SIGKILL
    with pytest.raises(store.CacheError, match="no finished cache"):
        store.open_cache(killed)
    first = store.tensor_path(killed, whole.entries[0].key)
    written = os.stat(first).st_mtime_ns
    again = build(killed, sources)
    assert again.entries == whole.entries
    assert os.stat(first).st_mtime_ns == written
