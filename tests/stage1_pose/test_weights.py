"""Weights are found in three places, or one sentence names all three."""

import hashlib
from pathlib import Path

import pytest

from pose_activity.stage1_pose import weights
from pose_activity.stage1_pose.weights import WeightsError, are_trained, find


@pytest.fixture(autouse=True)
def empty_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(weights.FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_a_path_comes_first(tmp_path: Path):
    path = tmp_path / "mine.pt"
    path.write_bytes(b"x")
    assert find(path) == path
    assert find(str(path)) == path


def test_the_folder_of_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    (tmp_path / "yolov8n-pose.pt").write_bytes(b"x")
    assert find("yolov8n-pose.pt") == tmp_path / "yolov8n-pose.pt"


@pytest.mark.parametrize("name", ["yolov8n-pose.yaml", "other.yml"])
def test_a_yaml_means_from_scratch(name: str):
    assert find(name) == Path(name)


def test_a_download_is_announced_with_its_digest(tmp_path: Path):
    told = []

    def download(name: str, path: Path) -> None:
        assert name == "yolov8n-pose.pt"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"weights")

    path = find("yolov8n-pose.pt", download=download, on_progress=lambda *a: told.append(a))
    assert path.read_bytes() == b"weights"
    assert path.is_relative_to(tmp_path / "cache")
    assert [text.split()[0] for _, _, text in told] == ["downloading", "downloaded"]
    assert hashlib.sha256(b"weights").hexdigest() in told[1][2]
    assert find("yolov8n-pose.pt") == path, "the second time it is there"


def test_a_failed_download_names_all_three_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def download(name: str, path: Path) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path / "mine"))
    message = (
        r"No pose weights 'yolov8n-pose\.pt'.*\(1\) a file.*\(2\) .*mine, the folder of the "
        r"environment variable POSE_ACTIVITY_WEIGHTS.*\(3\) .*ConnectionError: no route to host"
    )
    with pytest.raises(WeightsError, match=message):
        find("yolov8n-pose.pt", download=download)


def test_a_download_that_brings_nothing():
    with pytest.raises(WeightsError, match="nothing arrived at"):
        find("yolov8n-pose.pt", download=lambda name, path: None)


def test_a_path_is_never_downloaded(tmp_path: Path):
    with pytest.raises(WeightsError, match="not tried, since the name is a path"):
        find(tmp_path / "gone.pt", download=lambda name, path: path.touch())


def test_without_permission_nothing_is_downloaded():
    with pytest.raises(WeightsError, match="not allowed here"):
        find("yolov8n-pose.pt")


def test_an_architecture_of_ones_own_is_found_and_not_trained(tmp_path: Path):
    for name in ("small.yaml", "trained.pt"):
        (tmp_path / name).touch()
    assert find(tmp_path / "small.yaml") == tmp_path / "small.yaml"
    assert not are_trained(tmp_path / "small.yaml")
    assert not are_trained(Path("yolov8n-pose.yaml"))
    assert are_trained(tmp_path / "trained.pt")
