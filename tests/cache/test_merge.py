"""Caches and poses of shards, merged, are byte for byte what the whole work gives."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses, no_people
from pose_activity.artifacts import manifest
from pose_activity.artifacts.shards import shards
from pose_activity.cache import poses, store
from pose_activity.cache.options import PersonView
from pose_activity.cache.planes import Recipe
from pose_activity.cache.record import CacheError
from pose_activity.cache.tensor_spec import TensorSpec
from tests.cache.test_poses import SOURCE, FakeStage1

VIEWS = Recipe(planes=("rgb",), width=48, height=32, person_view=PersonView(size=16))
SPLITS = ("train", "test", "train", "val", "train", "test", "val", "train", "train")
MODES: tuple[store.Tensors, ...] = ("disk", "memory_map")


@pytest.fixture
def specs(tmp_path: Path) -> list[TensorSpec]:
    """Nine images in mixed splits; two of them cannot be decoded, two are the same."""
    rng, made = np.random.default_rng(0), []
    for n, split in enumerate(SPLITS):
        image = tmp_path / "photos" / f"photo {n} é.png"
        image.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(image), rng.integers(0, 255, (40, 60, 3), np.uint8))
        boxes, keypoints, scores = no_people(COCO17)
        nobody = Poses(image, (60, 40), COCO17, boxes, scores, keypoints)
        made.append(TensorSpec(image, f"class {n % 2}", split, nobody))
    made[4].image.write_bytes(b"")
    made[7].image.write_bytes(made[0].image.read_bytes())
    return made


def build(folder: Path, specs: list[TensorSpec], tensors: store.Tensors) -> dict[Path, str]:
    classes = sorted({spec.label for spec in specs})
    return store.build(
        folder,
        specs,
        recipe=VIEWS,
        classes=classes,
        inputs={"a": "1"},
        tensors=tensors,
        may_be_empty=True,
    )[1]


def merge(folder: Path, parts: list[Path], tensors: store.Tensors) -> store.Cache:
    classes = ["class 0", "class 1"]
    return store.merge(
        folder, parts, recipe=VIEWS, classes=classes, inputs={"a": "1"}, tensors=tensors
    )


def content_of(folder: Path) -> dict[str, bytes]:
    """All files but the manifest, whose seconds differ."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != manifest.NAME)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("count", [1, 2, 4, 12])
@pytest.mark.parametrize("tensors", MODES)
def test_merged_parts_are_the_whole(
    tmp_path: Path, specs: list[TensorSpec], tensors: store.Tensors, count: int
) -> None:
    unreadable = build(tmp_path / "whole", specs, tensors)
    parts = [tmp_path / shard.name for shard in shards(count)]
    found = {}
    for shard, part in zip(shards(count), parts, strict=True):
        found |= build(part, list(shard.take(specs)), tensors)
    cache = merge(tmp_path / "merged", parts, tensors)
    assert found == unreadable and list(found) == [specs[4].image]
    assert content_of(tmp_path / "merged") == content_of(tmp_path / "whole")
    described = [manifest.read_finished(tmp_path / name) for name in ("merged", "whole")]
    assert len({str({**one, "seconds": 0}) for one in described}) == 1
    assert all(cache.load(entry, verify=True) for entry in cache.entries)


@pytest.mark.parametrize("tensors", MODES)
def test_a_merge_that_was_killed_is_done_again(
    tmp_path: Path, specs: list[TensorSpec], tensors: store.Tensors
) -> None:
    build(tmp_path / "whole", specs, tensors)
    parts = [tmp_path / shard.name for shard in shards(3)]
    for shard, part in zip(shards(3), parts, strict=True):
        build(part, list(shard.take(specs)), tensors)
    merge(tmp_path / "merged", parts[:2], tensors)
    (tmp_path / "merged" / manifest.NAME).unlink()
    merge(tmp_path / "merged", parts, tensors)
    assert content_of(tmp_path / "merged") == content_of(tmp_path / "whole")


def test_what_is_no_whole_is_refused(tmp_path: Path, specs: list[TensorSpec]) -> None:
    build(tmp_path / "a", specs[:3], "disk")
    build(tmp_path / "b", specs[2:4], "disk")
    build(tmp_path / "empty", [], "disk")
    with pytest.raises(CacheError, match=r"must come once. Received twice: .*photo 2"):
        merge(tmp_path / "merged", [tmp_path / "a", tmp_path / "b"], "disk")
    with pytest.raises(CacheError, match="c is not a finished cache"):
        merge(tmp_path / "merged", [tmp_path / "a", tmp_path / "c"], "disk")
    with pytest.raises(CacheError, match="not one picture of 1 parts"):
        merge(tmp_path / "merged", [tmp_path / "empty"], "disk")
    assert not (tmp_path / "merged" / manifest.NAME).exists()


@pytest.mark.parametrize("count", [1, 3, 12])
def test_poses_of_shards_are_those_of_all(
    tmp_path: Path, specs: list[TensorSpec], count: int
) -> None:
    images = [spec.image for spec in specs]
    whole = poses.find(tmp_path / "whole.parquet", images, FakeStage1(), source=SOURCE)
    parts = [tmp_path / f"{shard.name}.parquet" for shard in shards(count)]
    for shard, part in zip(shards(count), parts, strict=True):
        if shard.take(images):
            poses.find(part, list(shard.take(images)), FakeStage1(), source=SOURCE)
    poses.merge(tmp_path / "merged.parquet", parts, source=SOURCE)
    merged = (tmp_path / "merged.parquet").read_bytes()
    assert merged == (tmp_path / "whole.parquet").read_bytes()
    silent = FakeStage1()
    found = poses.find(tmp_path / "merged.parquet", images, silent, source=SOURCE)
    assert not silent.asked and list(found.poses) == list(whole.poses)


def test_poses_of_another_graph_are_not_merged(tmp_path: Path, specs: list[TensorSpec]) -> None:
    part = tmp_path / "part.parquet"
    poses.find(part, [specs[0].image], FakeStage1(), source={**SOURCE, "sha256": "other"})
    with pytest.raises(ValueError, match="part.parquet holds poses of another graph"):
        poses.merge(tmp_path / "merged.parquet", [part], source=SOURCE)
