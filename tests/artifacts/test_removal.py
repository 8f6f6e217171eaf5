"""What is removed is gone; what cannot be removed is named."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pose_activity.artifacts.removal import remove, remove_tree

ROOT = Path(__file__).resolve().parents[2]


def filled(folder: Path) -> Path:
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "a.npy").touch()
    return folder


def test_a_tree_goes_whole_and_may_be_absent(tmp_path: Path) -> None:
    remove_tree(filled(tmp_path / "a"))
    remove_tree(tmp_path / "a")
    remove(tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_of_a_link_the_content_goes_and_the_link_stays(tmp_path: Path) -> None:
    disk = filled(tmp_path / "big disk")
    (tmp_path / "tensors").symlink_to(disk)
    remove_tree(tmp_path / "tensors")
    assert (tmp_path / "tensors").is_symlink() and not list(disk.iterdir())


def test_what_cannot_be_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # root may remove anything, so the system's refusal is imitated at its lowest function.
    folder, real = filled(tmp_path / "a"), os.unlink

    def refuse(path: str, **options: int) -> None:
        if str(path).endswith("a.npy"):
            raise PermissionError(13, "Permission denied", str(path))
        real(path, **options)

    monkeypatch.setattr(os, "unlink", refuse)
    message = r"inner/a\.npy cannot be removed \(Permission denied\)\. Remove it"
    with pytest.raises(OSError, match=message):
        remove_tree(folder)
    monkeypatch.setattr(Path, "unlink", lambda path, **_: refuse(str(path)))
    with pytest.raises(OSError, match=r"inner/a\.npy cannot be"):
        remove(folder / "inner" / "a.npy")


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid"), reason="needs another user")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    """The system itself refuses: a read-only folder, as somebody who is not root."""
    folder = filled(tmp_path / "a")
    (folder / "inner").chmod(0o555)
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from pose_activity.artifacts.removal import remove_tree\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "try: remove_tree(Path(sys.argv[1]))\n"
        "except OSError as error: print(error)\n"
    )
    temporary = Path(tempfile.gettempdir())
    for parent in tmp_path.parents:  # pytest lets nobody else into its own folders
        if parent.is_relative_to(temporary) and parent != temporary:
            parent.chmod(0o755)
    tmp_path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert "a.npy cannot be removed (Permission denied)" in done.stdout, done.stderr
    assert (folder / "inner" / "a.npy").exists()


def test_no_error_of_a_removal_is_ignored_anywhere() -> None:
    """A rest that is taken for the new result is worse than an error."""
    own = [path for path in ROOT.glob("[!.]*/**/*.py") if "site-packages" not in path.parts]
    ignoring = [path for path in own if "ignore_errors" in path.read_text(encoding="utf-8")]
    assert ignoring == [Path(__file__)], ignoring
