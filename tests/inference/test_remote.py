"""Images, model and table as objects of a store: what comes out is what files give."""

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pose_activity import infer
from pose_activity.artifacts import remote
from pose_activity.inference.package import check_target, open_model, write_package
from pose_activity.inference.remote import Places, RemoteTable, fetch_model
from pose_activity.training.runs import check_run
from tests.inference.view_model import write_model

pytest.importorskip("fsspec")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a packaged model and five photos, of which one is damaged."""
    run = write_model(tmp_path / "run")
    files = [path for stage in ("stage1", "stage2") for path in (run / stage).iterdir()]
    files = [path for path in files if path.name != "manifest.json"]
    write_package(tmp_path / "model", files, card="A model.\n", about={})
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("a.png", "b é.png", "deep/c.png", "deep/d.png"):
        pixels = rng.integers(0, 255, (48, 64, 3), np.uint8)
        (tmp_path / "photos" / name).write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    (tmp_path / "photos" / "e.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "photos" / "notes.txt").write_bytes(b"x")
    return tmp_path


def upload(folder: Path, url: str) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            remote.put(path, f"{url}/{path.relative_to(folder).as_posix()}")


def rows_of(text: bytes, prefix: str) -> list[dict[str, str]]:
    """The rows of a CSV file, without where the images are."""
    return [
        {name: value.replace(prefix, "") for name, value in row.items()}
        for row in csv.DictReader(io.StringIO(text.decode()))
    ]


def predict(names: list[str], model: str, out: str, **options: object) -> None:
    infer.main(names, model, out, engine="onnxruntime", threads=1, **options)  # type: ignore


def bytes_of(url: str, folder: Path) -> bytes:
    remote.get([url], [folder / "copy"])
    return (folder / "copy").read_bytes()


def check_all(store: str, here: Path) -> None:
    """Predicts at once, and in shards, from a store into a store."""
    predict([str(here / "photos")], str(here / "model"), str(here / "local.csv"))
    upload(here / "photos", f"{store}/photos")
    upload(here / "model", f"{store}/model")
    sources, model, out = [f"{store}/photos"], f"{store}/model", f"{store}/out/a.csv"
    predict(sources, model, out)
    whole = bytes_of(out, here)
    expected = rows_of((here / "local.csv").read_bytes(), f"{here}/photos/")
    assert sorted(map(str, rows_of(whole, f"{store}/photos/"))) == sorted(map(str, expected))
    assert remote.exists(f"{out}.manifest.json") and len(expected) == 5
    for number in (2, 1, 3):
        predict(sources, model, f"{store}/out/b.csv", shard=f"{number}/3")
    parts = f"{store}/out/b.csv.parts"
    assert len(remote.find(parts)) == 6
    before = bytes_of(f"{parts}/part-00001-of-00003.csv.manifest.json", here)
    predict(sources, model, f"{store}/out/b.csv", shard="1/3")  # is there already
    assert bytes_of(f"{parts}/part-00001-of-00003.csv.manifest.json", here) == before
    predict(sources, model, f"{store}/out/b.csv", merge=3)
    assert bytes_of(f"{store}/out/b.csv", here) == whole and not remote.find(parts)
    with pytest.raises(ValueError, match="is there already"):
        predict(sources, model, f"{store}/out/b.csv")


def test_a_store_in_memory(here: Path) -> None:
    check_all(f"memory://{here.name}", here)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of a server on this machine that speaks S3."""
    server_of = pytest.importorskip("moto.server").ThreadedMotoServer
    boto3 = pytest.importorskip("boto3")
    server = server_of(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="bucket")
    yield "s3://bucket/prefix"
    server.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_store_that_speaks_s3(s3: str, here: Path) -> None:
    check_all(s3, here)


def test_a_model_is_copied_once_and_checked(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "own"))
    url = f"memory://{here.name}/model"
    upload(here / "model", url)
    copied: list[str] = []
    get = remote.get
    monkeypatch.setattr(
        remote, "get", lambda urls, paths: (copied.extend(urls), get(urls, paths))[1]
    )
    assert fetch_model(f"{url}/") == fetch_model(url)
    assert len(copied) == len(os.listdir(here / "model")) + 1  # model.json alone comes again
    with pytest.raises(remote.RemoteError, match="none/model.json"):
        fetch_model(f"memory://{here.name}/none")


def test_files_and_urls_are_not_mixed(here: Path) -> None:
    upload(here / "photos", f"memory://{here.name}/photos")
    places = Places([f"memory://{here.name}/photos", "a.jpg"], str(here / "model"))
    with pytest.raises(ValueError, match="not by both. Received: a.jpg"):
        places.find_sources(lambda names, on_note: [], print)
    places = Places([f"memory://{here.name}/photos/*.txt"], str(here / "model"))
    with pytest.raises(FileNotFoundError, match=r"there: memory://.*\*.txt"):
        places.find_sources(lambda names, on_note: [], print)


def test_an_unfinished_table_does_not_count(tmp_path: Path) -> None:
    table = RemoteTable.of(f"memory://{tmp_path.name}/a.csv")
    file = tmp_path / "file"
    file.write_bytes(b"torn")
    remote.put(file, table.url)
    table.pull([table.path])
    assert not table.path.exists(), "without its manifest, which comes last, it is not whole"


def test_what_must_be_here_is_refused_as_a_url() -> None:
    typed = Path("s3://bucket/run")  # which has lost a slash
    for what, use in (
        ("--run", check_run),
        ("the folder of a model", open_model),
        ("the folder of a package", check_target),
    ):
        with pytest.raises(ValueError, match=f"^{what} must be a path .* Received: s3:/bucket/run"):
            use(typed)
    for option in ("draw", "gallery", "tracks"):
        given: dict[str, Any] = {option: typed}
        with pytest.raises(ValueError, match=f"^--{option} must be a path on this machine"):
            infer.main(["a.jpg"], "runs/x", **given)
