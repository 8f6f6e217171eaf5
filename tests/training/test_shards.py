"""Jobs that know nothing of each other leave parts; merged they are the step as a whole."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from pose_activity.annotations.synthetic import parts, pictures
from pose_activity.annotations.synthetic.options import DrawnParts, DrawnPictures
from pose_activity.artifacts import manifest
from pose_activity.artifacts.lock import locked
from pose_activity.artifacts.shards import PartsMissingError, Shard, shards
from pose_activity.configs.sections import Run
from pose_activity.runtime.cluster import LOCAL, Cluster
from pose_activity.training import kinds
from pose_activity.training.shards import PARTS, PartMaker, collect, make_part, spread
from pose_activity.training.steps import run_step
from tests.folder_content import content_of

COUNT = 4


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose labels are read and split; its poses are the labels' own."""
    folder = tmp_path_factory.mktemp("runs") / "labelled"
    pictures.write(folder / "data", DrawnPictures(images=40, width=64, height=64), seed=0)
    run_step(_open(folder), "annotations")
    return folder


@pytest.fixture
def whole(labelled: Path, tmp_path: Path) -> Path:
    run = _copy(labelled, tmp_path / "whole")
    run_step(run, "cache")
    return run.run_dir


def _open(folder: Path, *more: str, data: Path | None = None) -> Run:
    data = data or folder / "data"
    settings = {
        "run_dir": folder,
        "draw": "null",
        "data.annotations": data / "release.mat",
        "data.images": data / "images",
        "split": "{train: 0.6, val: 0.2, test: 0.2}",
    }
    return kinds.load(Path("demo_quick"), [f"{k}={v}" for k, v in settings.items()] + [*more])


def _copy(labelled: Path, folder: Path, *more: str) -> Run:
    shutil.copytree(labelled / "annotations", folder / "annotations")
    if (labelled / "digests.json").is_file():  # of images that were not written just now
        shutil.copy(labelled / "digests.json", folder)
    return _open(folder, *more, data=labelled / "data")


def test_merged_parts_are_the_step_as_a_whole(labelled: Path, whole: Path, tmp_path: Path) -> None:
    run = _copy(labelled, tmp_path / "sharded")
    for shard in reversed(shards(COUNT)):
        make_part(run, "cache", shard)
    assert not (run.run_dir / "cache" / manifest.NAME).exists()
    run_step(run, "cache", parts=partial(collect, count=COUNT))
    assert content_of(run.run_dir / "cache") == content_of(whole / "cache")
    found = [manifest.read_finished(folder / "cache") for folder in (run.run_dir, whole)]
    assert len({str({**one, "seconds": 0}) for one in found}) == 1
    assert not (run.run_dir / "cache" / PARTS).exists()
    run_step(run, "cache", parts=partial(collect, count=99))  # up to date: no part is asked for


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_workers_of_a_cluster_make_the_same(labelled: Path, whole: Path, tmp_path: Path) -> None:
    run = _copy(labelled, tmp_path / "sharded")
    run_step(run, "cache", parts=partial(spread, count=5, cluster=Cluster(LOCAL)))
    assert content_of(run.run_dir / "cache") == content_of(whole / "cache")


def test_images_with_masks_are_divided_as_well(tmp_path: Path) -> None:
    drawn = tmp_path / "data"
    parts.write(drawn, DrawnParts(images=12, width=64, height=64), seed=0)
    contents = []
    for name, count in (("whole", None), ("sharded", 5)):
        settings = [f"run_dir={tmp_path / name}", f"parts.images={drawn}", "draw=null"]
        sizes = ["split={train: 6, val: 3, test: 3}", "cache.width=32", "cache.height=32"]
        run = kinds.load(Path("demo_parts"), [*settings, *sizes])
        run_step(run, "annotations")
        for shard in shards(count) if count else ():
            make_part(run, "cache", shard)
        run_step(run, "cache", parts=partial(collect, count=count) if count else None)
        contents.append(content_of(run.run_dir / "cache"))
    assert contents[0] == contents[1] and len(contents[0]) > 24


def test_missing_and_stale_parts_are_named(labelled: Path, tmp_path: Path) -> None:
    run = _copy(labelled, tmp_path / "sharded")
    merge = partial(run_step, run, "cache", parts=partial(collect, count=3))
    make_part(run, "cache", Shard(2, 3))
    with pytest.raises(PartsMissingError, match="Missing: 1, 3. Run these shards"):
        merge()
    make_part(run, "cache", Shard(1, 3))
    make_part(run, "cache", Shard(3, 3))
    index = run.run_dir / "cache" / PARTS / "part-00003-of-00003" / "index.parquet"
    index.write_bytes(b"")
    with pytest.raises(manifest.StaleError, match=r"does not fit: index.*Make shard 3/3 again"):
        merge()
    make_part(run, "cache", Shard(3, 3))
    merge()


def test_a_finished_part_is_skipped_and_a_changed_picture_makes_it_again(
    labelled: Path, tmp_path: Path
) -> None:
    shutil.copytree(labelled / "data", tmp_path / "data")
    run = _open(tmp_path)
    run_step(run, "annotations")
    make = PartMaker(run, "cache")
    assert make(Shard(1, 4)) and make(Shard(2, 4))
    assert not PartMaker(run, "cache")(Shard(1, 4))
    first = sorted((tmp_path / "data" / "images").glob("*.jpg"))[0]
    first.write_bytes(first.read_bytes() + b"\0")
    assert [PartMaker(run, "cache")(shard) for shard in shards(4)[:2]] == [True, False]


def test_a_part_is_made_by_one_process_at_a_time(labelled: Path, tmp_path: Path) -> None:
    run = _copy(labelled, tmp_path / "sharded")
    with locked(run.run_dir / "cache" / PARTS / Shard(1, 4).name):
        with pytest.raises(BlockingIOError, match="part-00001-of-00004 is in use"):
            make_part(run, "cache", Shard(1, 4))
        make_part(run, "cache", Shard(2, 4))


@pytest.mark.parametrize(
    ("step", "match"),
    [
        ("annotations", "goes through images or clips one by one. Received: annotations"),
        ("stage1", "does not need the step stage1"),
    ],
)
def test_what_cannot_be_divided_is_refused(
    labelled: Path, tmp_path: Path, step: str, match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        make_part(_copy(labelled, tmp_path / "sharded"), step, Shard(1, 2))


def test_nothing_is_made_of_unfinished_labels(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'annotations' is not finished"):
        make_part(_open(tmp_path), "cache", Shard(1, 2))
