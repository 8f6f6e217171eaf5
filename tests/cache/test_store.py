"""A cache knows when it is stale, unfinished or damaged."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from pose_activity.annotations.images import load_rgb
from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses, no_people
from pose_activity.artifacts import manifest
from pose_activity.cache import recipes, store, tensor_spec
from pose_activity.cache.options import PersonView
from pose_activity.cache.planes import PoseModelId, Recipe, make, make_arrays
from pose_activity.cache.record import ArraySpec, Entry, key_of
from pose_activity.cache.storage import NpyFiles
from pose_activity.cache.tensor_spec import TensorSpec

ROOT = Path(__file__).resolve().parents[2]
RECIPE = Recipe(planes=("rgb",), width=48, height=32)
VIEWS = Recipe(planes=("rgb",), width=48, height=32, person_view=PersonView(size=16))
MODES: tuple[store.Tensors, ...] = ("disk", "memory_map")


@pytest.fixture
def sources(tmp_path: Path) -> list[TensorSpec]:
    rng = np.random.default_rng(0)
    made = []
    for n in range(6):
        image = tmp_path / "photos" / f"photo {n} é.png"
        image.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(image), rng.integers(0, 255, (40, 60, 3), np.uint8))
        split = ("train", "train", "train", "val", "test", "test")[n]
        made.append(TensorSpec(image, f"class {n % 2}", split, None))
    return made


def build(
    folder: Path,
    sources: list[TensorSpec],
    recipe: Recipe = RECIPE,
    tensors: store.Tensors = "disk",
) -> store.Cache:
    cache, unreadable = store.build(
        folder,
        sources,
        recipe=recipe,
        classes=["class 0", "class 1"],
        inputs={"a": "1"},
        tensors=tensors,
    )
    assert not unreadable
    return cache


def path_of(cache: store.Cache, number: int) -> Path:
    return NpyFiles(cache.folder, cache.recipe).path(cache.entries[number].key)


def digest(tensor: np.ndarray) -> str:
    return hashlib.sha256(tensor.tobytes()).hexdigest()


@pytest.mark.parametrize("tensors", MODES)
def test_what_is_stored_is_what_make_made(
    tmp_path: Path, sources: list[TensorSpec], tensors: store.Tensors
) -> None:
    cache = build(tmp_path / "cache", sources, tensors=tensors)
    assert [entry.source for entry in cache.entries] == [source.image for source in sources]
    assert [cache.class_id(entry) for entry in cache.entries] == [0, 1, 0, 1, 0, 1]
    assert [len(cache.of_split(split)) for split in ("train", "val", "test")] == [3, 1, 2]
    for entry in cache.entries:
        expected = make(load_rgb(entry.source), None, RECIPE)
        example = cache.load(entry, verify=True)
        assert np.array_equal(example.x, expected) and example.x.dtype == np.uint8
        assert example.y is not None and example.y.dtype == np.int32
        assert example.y == cache.class_id(entry)
        assert (entry.person, entry.sha256) == (-1, digest(expected))


def text_of(entry: Entry) -> str:
    return (
        f"label: {entry.target}\nimage: {entry.source}\nsplit: {entry.split}\nperson: -1\n"
        f"made_from: {entry.made_from}\nsha256: {entry.sha256}\n"
    )


def test_a_file_per_tensor_has_its_facts_beside_it(
    tmp_path: Path, sources: list[TensorSpec]
) -> None:
    cache = build(tmp_path / "cache", sources)
    for number, entry in enumerate(cache.entries):
        assert path_of(cache, number).with_suffix(".txt").read_text(encoding="utf-8") == text_of(
            entry
        )
    assert len(list((tmp_path / "cache" / "tensors").iterdir())) == 12


def test_a_memory_map_is_an_array_a_split(tmp_path: Path, sources: list[TensorSpec]) -> None:
    cache = build(tmp_path / "cache", sources, tensors="memory_map")
    folder = tmp_path / "cache" / "tensors"
    assert len(list(folder.iterdir())) == 6
    for split in ("train", "val", "test"):
        entries = cache.of_split(split)
        array = np.load(folder / f"{split}.npy", allow_pickle=False)  # anybody can read it
        assert np.array_equal(array, [make(load_rgb(e.source), None, RECIPE) for e in entries])
        blocks = (folder / f"{split}.txt").read_text(encoding="utf-8").split("\n\n")[:-1]
        assert blocks == [f"key: {e.key}\n{text_of(e)}".rstrip() for e in entries]


@pytest.mark.parametrize("tensors", MODES)
def test_reopening_gives_the_same(
    tmp_path: Path, sources: list[TensorSpec], tensors: store.Tensors
) -> None:
    cache = build(tmp_path / "cache", sources, tensors=tensors)
    assert cache.tensors == tensors
    assert store.open_cache(tmp_path / "cache") == cache


def test_the_index_is_the_same_for_all_kinds(tmp_path: Path, sources: list[TensorSpec]) -> None:
    """Stage 2 is trained from the index, so another kind keeps it."""
    for tensors in MODES:
        build(tmp_path / tensors, sources, tensors=tensors)
    assert len({(tmp_path / tensors / store.INDEX).read_bytes() for tensors in MODES}) == 1


def test_another_kind_wipes_the_old_tensors(tmp_path: Path, sources: list[TensorSpec]) -> None:
    for tensors in (*MODES, "disk"):
        cache = build(tmp_path / "cache", sources, tensors=tensors)
        assert digest(cache.load(cache.entries[5]).x) == cache.entries[5].sha256
        count = {"disk": 12, "memory_map": 6}[tensors]
        assert len(list((tmp_path / "cache" / "tensors").glob("*"))) == count


def test_ten_thousand_classes_have_their_ids_at_once(tmp_path: Path) -> None:
    """A search through the list for each entry took 1.5 s here."""
    classes = tuple(f"class {n}" for n in range(10_000))
    entries = tuple(Entry(name, Path("a.png"), name, "train", -1, "") for name in classes)
    cache = store.Cache(tmp_path, RECIPE, classes, entries)
    started = time.process_time()
    assert [cache.class_id(entry) for entry in entries] == list(range(10_000))
    assert time.process_time() - started < 0.5


def test_a_cache_of_an_older_version_is_named(tmp_path: Path, sources: list[TensorSpec]) -> None:
    folder = build(tmp_path / "cache", sources).folder
    written = json.loads((folder / manifest.NAME).read_text(encoding="utf-8"))
    del written["recipe"]["tensors"]
    (folder / manifest.NAME).write_text(json.dumps(written), encoding="utf-8")
    with pytest.raises(store.CacheError, match="written by an older version. Run: python train.py"):
        store.open_cache(folder)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be read"),
        (b"\x93NUMPY", "cannot be read"),
        (b"not an array", "cannot be read"),
    ],
)
def test_a_damaged_tensor_is_named_with_the_fix(
    tmp_path: Path, sources: list[TensorSpec], data: bytes, message: str
) -> None:
    cache = build(tmp_path / "cache", sources)
    path_of(cache, 2).write_bytes(data)
    fix = "Delete .*manifest.json and run the cache step again"
    with pytest.raises(store.CacheError, match=f"(?s)photo 2.*{message}.*{fix}"):
        cache.load(cache.entries[2])


def test_truncated_foreign_and_altered_tensors(tmp_path: Path, sources: list[TensorSpec]) -> None:
    cache = build(tmp_path / "cache", sources)
    entry = cache.entries[0]
    path = path_of(cache, 0)
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


def test_without_a_manifest_it_is_unfinished(tmp_path: Path, sources: list[TensorSpec]) -> None:
    build(tmp_path / "cache", sources)
    (tmp_path / "cache" / manifest.NAME).unlink()
    with pytest.raises(store.CacheError, match="not a finished cache"):
        store.open_cache(tmp_path / "cache")


def test_an_altered_index_is_refused(tmp_path: Path, sources: list[TensorSpec]) -> None:
    build(tmp_path / "cache", sources)
    (tmp_path / "cache" / store.INDEX).write_bytes(b"x")
    with pytest.raises(store.CacheError, match="altered since it was written"):
        store.open_cache(tmp_path / "cache")


def test_another_recipe_wipes_the_old_tensors(tmp_path: Path, sources: list[TensorSpec]) -> None:
    build(tmp_path / "cache", sources)
    cache = build(tmp_path / "cache", sources[:3], Recipe(planes=("rgb",), width=32, height=32))
    assert len(list((tmp_path / "cache" / "tensors").glob("*.npy"))) == 3
    assert cache.load(cache.entries[0]).x.shape == (32, 32, 3)


def test_a_deleted_tensor_is_seen_and_only_it_is_made_again(
    tmp_path: Path, sources: list[TensorSpec]
) -> None:
    cache = build(tmp_path / "cache", sources)
    gone, kept = path_of(cache, 2), path_of(cache, 3)
    assert store.missing_tensors(cache.folder) == []
    gone.unlink()
    assert store.missing_tensors(cache.folder) == [f"{gone.name}: missing"]
    written = os.stat(kept).st_mtime_ns
    assert build(tmp_path / "cache", sources) == cache
    assert gone.exists() and os.stat(kept).st_mtime_ns == written


@pytest.mark.parametrize("tensors", MODES)
def test_an_altered_tensor_is_found_and_only_it_is_drawn_again(
    tmp_path: Path,
    sources: list[TensorSpec],
    tensors: store.Tensors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = build(tmp_path / "cache", sources, tensors=tensors)
    files = {"disk": path_of(cache, 1), "memory_map": cache.folder / "tensors" / "train.npy"}
    data = bytearray(files[tensors].read_bytes())
    place = -1 if tensors == "disk" else -1 - 48 * 32 * 3  # the second of three rows
    data[place] ^= 1
    files[tensors].write_bytes(data)
    damaged = store.open_cache(cache.folder)
    damaged.load(damaged.entries[0], verify=True)
    with pytest.raises(store.CacheError, match="photo 1.*altered after it was written. Delete"):
        damaged.load(damaged.entries[1], verify=True)
    (cache.folder / manifest.NAME).unlink()
    drawn = drawn_again(monkeypatch)
    assert build(tmp_path / "cache", sources, tensors=tensors) == cache
    assert drawn == [sources[1].image]
    again = store.open_cache(cache.folder)
    assert [digest(again.load(entry, verify=True).x) for entry in again.entries] == [
        entry.sha256 for entry in cache.entries
    ]


def drawn_again(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A list to which the pictures are added that `build` decodes."""
    drawn = []

    def load(path: Path) -> np.ndarray:
        drawn.append(path)
        return load_rgb(path)

    monkeypatch.setattr(tensor_spec, "load_rgb", load)
    return drawn


def test_a_memory_map_that_lost_something_is_named(
    tmp_path: Path, sources: list[TensorSpec]
) -> None:
    cache = build(tmp_path / "cache", sources, tensors="memory_map")
    array, text = (cache.folder / "tensors" / name for name in ("train.npy", "train.txt"))
    whole, facts = array.read_bytes(), text.read_text(encoding="utf-8")
    for damage, message in (
        (array.unlink, "train.npy: missing"),
        (text.unlink, "train.txt: missing"),
        (lambda: array.write_bytes(whole[:-5]), "train.npy: too short"),
        (
            lambda: text.write_text(facts[:-5], encoding="utf-8"),
            f"train.txt: {cache.entries[2].key} missing",
        ),
    ):
        assert store.missing_tensors(cache.folder) == []
        damage()
        assert store.missing_tensors(cache.folder) == [message]
        with pytest.raises(store.CacheError, match="cannot be read from .*train.npy.* Delete"):
            store.open_cache(cache.folder).load(cache.entries[2])
        assert build(cache.folder, sources, tensors="memory_map") == cache
        assert (array.read_bytes(), text.read_text(encoding="utf-8")) == (whole, facts)


def test_a_memory_map_of_another_shape_is_refused(
    tmp_path: Path, sources: list[TensorSpec]
) -> None:
    cache = build(tmp_path / "cache", sources, tensors="memory_map")
    np.save(cache.folder / "tensors" / "train.npy", np.zeros((3, 48, 32, 3), np.uint8))
    with pytest.raises(
        store.CacheError, match=r"should be uint8 \(32, 48, 3\). Received: uint8 \("
    ):
        cache.load(cache.entries[0])


def changed(sources: list[TensorSpec]) -> list[TensorSpec]:
    """The same images: two with other roles, one with another label, one gone and a new one."""
    roles = {0: "test", 3: "train"}
    made = [replace(s, split=roles.get(n, s.split)) for n, s in enumerate(sources) if n != 1]
    made[1] = replace(made[1], label="class 1")
    new = sources[0].image.with_name("a new photo.png")
    cv2.imwrite(str(new), np.full((50, 50, 3), 7, np.uint8))
    return [TensorSpec(new, "class 0", "val", None), *made]


@pytest.mark.parametrize("recipe", [RECIPE, VIEWS], ids=["one tensor", "two views"])
@pytest.mark.parametrize("tensors", MODES)
def test_other_labels_splits_and_images_draw_what_is_new_and_nothing_else(
    tmp_path: Path,
    sources: list[TensorSpec],
    recipe: Recipe,
    tensors: store.Tensors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources = [replace(source, poses=nobody(source.image)) for source in sources]
    asked = {"recipe": recipe, "classes": ["class 0", "class 1"], "tensors": tensors}
    store.build(tmp_path / "cache", sources, inputs={"a": "1"}, **asked)
    now = [replace(source, poses=nobody(source.image)) for source in changed(sources)]
    drawn = drawn_again(monkeypatch)
    again, _ = store.build(tmp_path / "cache", now, inputs={"a": "2"}, **asked)
    assert drawn == [now[0].image]
    fresh, _ = store.build(tmp_path / "fresh", now, inputs={"a": "2"}, **asked)
    assert again.entries == fresh.entries
    names = {path.name for path in (fresh.folder / "tensors").iterdir()}
    assert {path.name for path in (again.folder / "tensors").iterdir()} == names
    for name in (*(f"tensors/{name}" for name in names), store.INDEX, store.STARTED):
        assert (again.folder / name).read_bytes() == (fresh.folder / name).read_bytes()


@pytest.mark.parametrize("tensors", MODES)
def test_one_image_or_one_pose_that_changed_is_one_entry_that_is_drawn(
    tmp_path: Path,
    sources: list[TensorSpec],
    tensors: store.Tensors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources = [replace(source, poses=nobody(source.image)) for source in sources]
    build(tmp_path / "cache", sources, VIEWS, tensors)
    drawn = drawn_again(monkeypatch)
    cv2.imwrite(str(sources[3].image), np.full((40, 60, 3), 9, np.uint8))
    (tmp_path / "cache" / manifest.NAME).unlink()
    build(tmp_path / "cache", sources, VIEWS, tensors)
    assert drawn == [sources[3].image]
    sources[4] = replace(sources[4], poses=somebody(sources[4].image))
    (tmp_path / "cache" / manifest.NAME).unlink()
    cache = build(tmp_path / "cache", sources, VIEWS, tensors)
    assert drawn == [sources[3].image, sources[4].image]
    for entry in cache.entries:
        cache.load(entry, verify=True)


def test_a_cache_whose_tensors_say_not_what_they_were_made_from_is_read_and_drawn_anew(
    tmp_path: Path, sources: list[TensorSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of older versions."""
    cache = build(tmp_path / "cache", sources)
    older = tuple(replace(entry, made_from="") for entry in cache.entries)
    for number, entry in enumerate(older):
        path_of(cache, number).with_suffix(".txt").write_text(entry.text, encoding="utf-8")
    table = pq.read_table(cache.folder / store.INDEX).drop_columns("made_from")
    pq.write_table(table, cache.folder / store.INDEX)
    written = json.loads((cache.folder / manifest.NAME).read_text(encoding="utf-8"))
    written["outputs"][store.INDEX] = manifest.sha256_file(cache.folder / store.INDEX)
    (cache.folder / manifest.NAME).write_text(json.dumps(written), encoding="utf-8")
    os.utime(path_of(cache, 0).with_suffix(".txt"), ns=(2**62, 2**62))
    found = store.open_cache(cache.folder)
    assert found.entries == older and store.altered_tensors(cache.folder) == []
    assert found.digest(("train", "val")) == cache.digest(("train", "val"))
    drawn = drawn_again(monkeypatch)
    assert build(cache.folder, sources) == cache
    assert sorted(drawn) == sorted(source.image for source in sources)


def nobody(image: Path) -> Poses:
    boxes, keypoints, scores = no_people(COCO17)
    return Poses(image, (60, 40), COCO17, boxes, scores, keypoints)


def somebody(image: Path) -> Poses:
    box, score = np.array([[2, 3, 25, 38]], np.float32), np.ones(1, np.float32)
    return Poses(image, (60, 40), COCO17, box, score, np.zeros((1, 17, 3), np.float32))


def with_people(sources: list[TensorSpec]) -> tuple[list[TensorSpec], Recipe]:
    """The sources again, a tensor for each of two people."""
    recipe = Recipe(width=48, height=32, people="each", pose=PoseModelId("abc"))

    def answer(image: Path) -> Poses:
        boxes = np.array([[2, 3, 25, 38], [30, 1, 58, 35]], np.float32)
        keypoints = np.random.default_rng(0).uniform(1, 38, (2, 17, 3)).astype(np.float32)
        keypoints[..., 2] = 0.9
        return Poses(image, (60, 40), COCO17, boxes, np.ones(2, np.float32), keypoints)

    people = [
        replace(source, poses=answer(source.image), person=person)
        for source in sources
        for person in (0, 1)
    ]
    return people, recipe


def test_every_person_is_a_tensor_the_same_in_all_kinds(
    tmp_path: Path, sources: list[TensorSpec]
) -> None:
    for tensors in MODES:
        people, recipe = with_people(sources)
        cache = build(tmp_path / tensors, people, recipe, tensors)
        assert [(e.source, e.person) for e in cache.entries] == [
            (s.image, s.person) for s in people
        ]
        assert len({entry.key for entry in cache.entries}) == 12
        for entry, source in zip(cache.entries, people, strict=True):
            expected = make(load_rgb(source.image), source.poses, recipe, source.person)
            assert expected[..., 3].any()
            assert np.array_equal(cache.load(entry, verify=True).x, expected)


@pytest.mark.parametrize("tensors", MODES)
def test_undecodable_pictures_are_named_and_left_out(
    tmp_path: Path, sources: list[TensorSpec], tensors: store.Tensors
) -> None:
    sources[1].image.write_bytes(b"")
    recipe = {"recipe": RECIPE, "inputs": {}, "tensors": tensors}
    cache, unreadable = store.build(
        tmp_path / "cache", sources, classes=["class 0", "class 1"], **recipe
    )
    assert len(cache.entries) == 5 and list(unreadable) == [sources[1].image]
    assert "is empty" in unreadable[sources[1].image]
    for entry in cache.entries:
        assert np.array_equal(cache.load(entry).x, make(load_rgb(entry.source), None, RECIPE))
    with pytest.raises(store.CacheError, match="not one of 1 pictures could be read"):
        store.build(tmp_path / "none", sources[1:2], classes=["a"], **recipe)


def test_a_picture_must_come_once(tmp_path: Path, sources: list[TensorSpec]) -> None:
    with pytest.raises(store.CacheError, match="must come once"):
        build(tmp_path / "cache", [*sources, sources[0]])


@pytest.mark.parametrize("recipe", [RECIPE, VIEWS], ids=["one tensor", "two views"])
@pytest.mark.parametrize("tensors", MODES)
def test_killed_and_run_again_it_ends_the_same_and_keeps_what_was_done(
    tmp_path: Path,
    sources: list[TensorSpec],
    recipe: Recipe,
    tensors: store.Tensors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = """
import json, os, signal, sys
import numpy as np
from pathlib import Path
from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses, no_people
from pose_activity.cache import store
from pose_activity.cache.planes import Recipe
from pose_activity.cache.tensor_spec import TensorSpec
def people(image, number):
    boxes, keypoints, scores = no_people(COCO17)
    if number % 2:
        boxes, keypoints, scores = np.float32([[2, 3, 25, 38]]), np.zeros((1, 17, 3)), np.ones(1)
    return Poses(image, (60, 40), COCO17, boxes, np.float32(scores), np.float32(keypoints))
images = sorted(Path(sys.argv[1]).glob("*.png"))
splits = ("train", "train", "train", "val", "test", "test")
sources = [TensorSpec(p, f"class {n % 2}", splits[n], people(p, n)) for n, p in enumerate(images)]
def die(done, total, name):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)
def build(folder, on_progress=None):
    recipe = Recipe.from_json(json.loads(sys.argv[4]))
    return store.build(
        Path(folder), sources, recipe=recipe, tensors=sys.argv[3], inputs={"a": "1"},
        classes=["class 0", "class 1"], threads=1, on_progress=on_progress)[0]
if len(sys.argv) > 5:
    build(sys.argv[2], die)
"""
    killed = tmp_path / "killed"
    as_json = json.dumps(recipe.as_json())
    command = [sys.executable, "-c", code, str(tmp_path / "photos"), str(killed), tensors, as_json]
    assert subprocess.run([*command, "die"], cwd=ROOT).returncode == -signal.SIGKILL
    with pytest.raises(store.CacheError, match="not a finished cache"):
        store.open_cache(killed)
    monkeypatch.setattr(sys, "argv", ["", *command[3:]])
    room: dict[str, Any] = {}
    exec(code, room)
    whole = room["build"](tmp_path / "whole")
    drawn = drawn_again(monkeypatch)
    again = room["build"](killed)
    assert again.entries == whole.entries
    assert sorted(drawn) == [s.image for s in sources][3:]
    for path in (tmp_path / "whole" / "tensors").glob("*"):
        assert path.read_bytes() == (killed / "tensors" / path.name).read_bytes()


@pytest.mark.parametrize("tensors", MODES)
def test_two_views_are_stored_and_read_by_their_names(
    tmp_path: Path, sources: list[TensorSpec], tensors: store.Tensors
) -> None:
    """Somebody in the first picture and in no other: the arrays are those of `make_arrays`."""
    views = [
        replace(s, poses=nobody(s.image) if n else somebody(s.image)) for n, s in enumerate(sources)
    ]
    build(tmp_path / "cache", views, VIEWS, tensors)
    cache = store.open_cache(tmp_path / "cache")
    assert cache.recipe == VIEWS
    for number, (entry, source) in enumerate(zip(cache.entries, views, strict=True)):
        expected = make_arrays(load_rgb(source.image), source.poses, VIEWS)
        example = cache.load(entry, verify=True)
        assert [*example.x] == ["picture", "person", "found"]
        assert all(np.array_equal(example.x[name], expected[name]) for name in expected)
        assert example.x["found"].tolist() == [int(number == 0)]
        assert example.y == cache.class_id(entry)
        parts = b"".join(array.tobytes() for array in expected.values())
        assert entry.sha256 == hashlib.sha256(parts).hexdigest()
    shapes = {"picture": (32, 48, 3), "person": (16, 16, 3), "found": (1,)}
    for name, shape in shapes.items():
        stem, rows = (f"{cache.entries[0].key}", ()) if tensors == "disk" else ("train", (3,))
        stored = np.load(tmp_path / "cache" / "tensors" / f"{stem}.{name}.npy", allow_pickle=False)
        assert stored.shape == (*rows, *shape) and stored.dtype == np.uint8


def test_a_torn_row_of_a_killed_writer_is_written_again(
    tmp_path: Path, sources: list[TensorSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a kill can leave: a header that counts nothing, half a row, half a block."""
    cache = build(tmp_path / "cache", sources, tensors="memory_map")
    array, text = (cache.folder / "tensors" / name for name in ("train.npy", "train.txt"))
    whole, facts = array.read_bytes(), text.read_text(encoding="utf-8")
    header = whole[: -3 * 48 * 32 * 3].replace(b"(3, ", b"(0, ")
    array.write_bytes(header + whole[len(header) : -100])
    text.write_text(facts[:-20], encoding="utf-8")
    (cache.folder / manifest.NAME).unlink()
    drawn = drawn_again(monkeypatch)
    assert build(cache.folder, sources, tensors="memory_map") == cache
    assert drawn == [sources[2].image]
    assert (array.read_bytes(), text.read_text(encoding="utf-8")) == (whole, facts)


def test_a_key_is_of_a_names_bytes() -> None:
    digest = hashlib.sha256(b"photos/a b.jpg").hexdigest()[:12]
    assert key_of(Path("photos/a b.jpg")) == f"a_b-{digest}"
    odd = {key_of(Path(os.fsdecode(name))) for name in (b"caf\xe9.jpg", b"caf\xe8.jpg")}
    assert len(odd) == 2 and all(key.startswith("caf-") for key in odd)


@dataclass(frozen=True)
class TwoViews:
    """A recipe of a kind that is in no table: two inputs, and a map of classes to answer."""

    KIND: ClassVar[str] = "test"
    UNIT: ClassVar[str] = "images"

    @property
    def arrays(self) -> dict[str, ArraySpec]:
        return {
            "picture": ArraySpec((4, 6, 3), np.dtype("|u1")),
            "person": ArraySpec((2, 2), np.dtype("<f4")),
            "y": ArraySpec((4, 6), np.dtype("|u1")),
        }

    def as_json(self) -> dict[str, Any]:
        return {"kind": "two views"}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "TwoViews":
        return cls()


@dataclass(frozen=True)
class Numbered:
    """A source whose arrays follow from its number."""

    number: int

    @property
    def entry(self) -> Entry:
        source, split = Path(f"{self.number}.png"), ("train", "val")[self.number % 2]
        return Entry(key_of(source), source, None, split, -1, sha256="")

    @property
    def made_from(self) -> str:
        return str(self.number)

    def draw(self, recipe: TwoViews) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(self.number)
        return {
            name: rng.integers(0, 255, spec.shape).astype(spec.dtype)
            for name, spec in recipe.arrays.items()
        }


@pytest.mark.parametrize("tensors", MODES)
def test_an_entry_may_have_several_inputs_and_a_map_as_its_target(
    tmp_path: Path, tensors: store.Tensors, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = recipes.RecipeKind(TwoViews, lambda recipe: iter(()))
    monkeypatch.setitem(recipes.RECIPES, "two views", kind)
    sources = [Numbered(number) for number in range(4)]
    asked = {"recipe": TwoViews(), "classes": ["nothing", "arm"], "inputs": {}, "tensors": tensors}
    store.build(tmp_path, sources, **asked)
    cache = store.open_cache(tmp_path)
    assert cache.recipe == TwoViews() and [e.target for e in cache.entries] == [None] * 4
    for source, entry in zip(sources, cache.entries, strict=True):
        expected, example = source.draw(TwoViews()), cache.load(entry, verify=True)
        assert [*example.x] == ["picture", "person"]
        for name, array in {**example.x, "y": example.y}.items():
            assert array.dtype == expected[name].dtype and np.array_equal(array, expected[name])
    key = cache.entries[0].key
    lost = f"{key}.person.npy" if tensors == "disk" else "train.person.npy"
    assert store.missing_tensors(tmp_path) == []
    (tmp_path / "tensors" / lost).unlink()
    assert store.missing_tensors(tmp_path) == [f"{lost}: missing"]
    with pytest.raises(store.CacheError, match="0.png cannot be read.* Delete"):
        store.open_cache(tmp_path).load(cache.entries[0])
    assert store.build(tmp_path, sources, **asked)[0] == cache
    altered = tmp_path / "tensors" / (f"{key}.y.npy" if tensors == "disk" else "train.y.npy")
    altered.write_bytes(altered.read_bytes()[:-1] + b"\xff")
    last = cache.entries[0 if tensors == "disk" else 2]
    with pytest.raises(store.CacheError, match="was altered after it was written"):
        store.open_cache(tmp_path).load(last, verify=True)


def test_a_cache_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"kind must be one of .*'maps'.*Received: 'two views'"):
        store.build(tmp_path, [Numbered(0)], recipe=TwoViews(), classes=["nothing"], inputs={})


def test_a_cache_without_tensors_of_an_older_version_is_to_be_built_again(
    tmp_path: Path, sources: list[TensorSpec]
) -> None:
    folder = build(tmp_path / "cache", sources).folder
    written = json.loads((folder / manifest.NAME).read_text(encoding="utf-8"))
    written["recipe"]["tensors"] = "on_the_fly"
    (folder / manifest.NAME).write_text(json.dumps(written), encoding="utf-8")
    with pytest.raises(store.CacheError, match="written by an older version. Run: python train.py"):
        store.open_cache(folder)
