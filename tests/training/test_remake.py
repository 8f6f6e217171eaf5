"""The old result stays until the new one is whole, and a kill on the way loses neither."""

from pathlib import Path

import pytest

from pose_activity.artifacts import manifest
from pose_activity.training import remake


def write(folder: Path, names: str, text: str) -> None:
    for name in names.split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def content(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


OLD = "manifest.json pose.onnx best.pt round1/results.csv round2/results.csv track.json"
NEW = "manifest.json pose.onnx best.pt round1/results.csv round1/weights/last.pt"
THEIRS = "thesis.docx round2/notes.txt"
AFTER = {name: "new" for name in NEW.split()} | {name: "theirs" for name in THEIRS.split()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished step 1 with files of another program."""
    write(tmp_path / "stage1", OLD, "old")
    write(tmp_path / "stage1", THEIRS, "theirs")
    return tmp_path / "stage1"


def made_again(folder: Path) -> Path:
    work = remake.begin(folder, "stage1")
    for path in [*work.rglob("*")]:
        if path.is_file():
            path.unlink()
    write(work, NEW, "new")
    return work


def test_the_old_result_stays_until_the_new_one_is_whole(folder: Path) -> None:
    before = content(folder)
    work = made_again(folder)
    assert work != folder
    shown = {k: v for k, v in content(folder).items() if not k.startswith(f"{work.name}/")}
    assert shown == before
    remake.finish(folder, "stage1", work)
    assert content(folder) == AFTER


def test_a_step_without_a_result_is_made_in_its_folder(tmp_path: Path) -> None:
    work = remake.begin(tmp_path / "stage2", "stage2")
    assert work == tmp_path / "stage2" and work.is_dir()
    write(work, "states/001.keras", "half")  # killed: the next one goes on there
    assert remake.begin(work, "stage2") == work
    remake.finish(work, "stage2", work)
    assert content(work) == {"states/001.keras": "half"}


def test_a_training_that_fits_is_handed_on_and_a_killed_one_resumed(folder: Path) -> None:
    write(folder, "fitted.json round1/weights/last.pt", "old")
    work = remake.begin(folder, "stage1")
    names = {"fitted.json", "best.pt", "round1/results.csv", "round1/weights/last.pt"}
    assert content(work).items() >= {name: "old" for name in names}.items()
    assert "pose.onnx" not in content(work)
    write(work, "best.pt", "new")
    assert content(remake.begin(folder, "stage1"))["best.pt"] == "new"


def test_a_report_begins_from_nothing(tmp_path: Path) -> None:
    write(tmp_path, "manifest.json metrics.json .new/metrics_val.json", "old")
    assert content(remake.begin(tmp_path, "report")) == {}


@pytest.mark.parametrize("function", ["replace", "rename", "unlink", "rmdir"])
@pytest.mark.parametrize("after", range(8))
def test_killed_while_files_change_places_the_next_one_ends_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, function: str, after: int
) -> None:
    work, real, calls = made_again(folder), getattr(Path, function), []

    def die(path: Path, *arguments: object, **options: object) -> object:
        if len(calls) == after:
            raise KeyboardInterrupt
        calls.append(path)
        return real(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, function, die)
        try:
            remake.finish(folder, "stage1", work)
        except KeyboardInterrupt:
            # What vouches for a result is there with all of it, or not at all.
            found = content(folder)
            vouched = found.get(manifest.NAME)
            assert vouched is None or found["pose.onnx"] == found["best.pt"] == vouched
            if (folder / ".new").exists():
                return  # nothing was changed; the step is made again
    remake.settle(folder, "stage1")
    assert content(folder) == AFTER
