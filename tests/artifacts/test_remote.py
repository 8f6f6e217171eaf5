"""Objects are listed, copied and put by their URLs; nothing else is asked, and no secret taken."""

import ast
from pathlib import Path

import pytest

from pose_activity.artifacts import remote

fsspec = pytest.importorskip("fsspec")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bucket(tmp_path: Path) -> str:
    """A prefix of a store in memory, with four objects."""
    url = f"memory://{tmp_path.name}"
    for name in ("b/2.jpg", "a.jpg", "b/1 é.jpg", "b/notes.txt"):
        file = tmp_path / "file"
        file.write_bytes(name.encode())
        remote.put(file, f"{url}/{name}")
    return url


def test_what_is_put_is_found_and_comes_back(bucket: str, tmp_path: Path) -> None:
    found = [url.removeprefix(f"{bucket}/") for url in remote.find(bucket)]
    assert found == ["a.jpg", "b/1 é.jpg", "b/2.jpg", "b/notes.txt"]
    assert len(remote.find(f"{bucket}/b/*.jpg")) == 2
    assert len(remote.find(f"{bucket}/a.jpg")) == 1 and not remote.find(f"{bucket}/none")
    paths = [tmp_path / "here" / str(n) for n in range(4)]
    remote.get(remote.find(bucket), paths)
    assert [path.read_bytes().decode() for path in paths] == found
    assert remote.exists(f"{bucket}/a.jpg")
    remote.remove([f"{bucket}/a.jpg"])
    assert not remote.exists(f"{bucket}/a.jpg")


def test_a_missing_object_is_named_and_leaves_no_file(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(remote.RemoteError, match=f"{bucket}/none.jpg"):
        remote.get([f"{bucket}/none.jpg"], [tmp_path / "here" / "none.jpg"])
    assert not [*(tmp_path / "here").iterdir()]


@pytest.mark.parametrize("url", ["http://host/a.jpg", "https://host/a", "file:///etc/passwd"])
def test_only_object_stores_are_asked(url: str) -> None:
    assert remote.is_url(url)
    for ask in (remote.find, remote.exists):
        with pytest.raises(ValueError, match="must be of s3:// gs:// memory://. Received"):
            ask(url)


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="come from the environment") as refusal:
        remote.find("s3://key:secret@bucket/a")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("name", ["a.jpg", "/data/a.jpg", "camera:0", "a:/b", "c:\\data\\a.jpg"])
def test_names_of_files_are_no_urls(name: str) -> None:
    assert not remote.is_url(name)


def test_the_server_cannot_fetch() -> None:
    for path in (ROOT / "serving").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [
            ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)
        ]
        assert not [line for line in names if "remote" in line or "fsspec" in line], path


@pytest.mark.parametrize("name", ["s3://bucket/run", "s3:/bucket/run", "https://x.org/a", "gs://b"])
def test_a_url_is_no_local_path(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^run_dir must be a path .* Mount .* Received: {name}$"):
        remote.require_local(name, "run_dir")
    with pytest.raises(ValueError, match="^must be a path on this machine"):
        remote.require_local(Path(name) if name.count("/") > 2 else name)


@pytest.mark.parametrize("name", ["runs/a", "/x", "C:/runs", "c:\\x", "a:b", "camera:0", ".", None])
def test_paths_are(name: object) -> None:
    remote.require_local(name)
