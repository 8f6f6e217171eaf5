"""Names of files in label files, as Windows and others write them."""

from pathlib import Path

from pose_activity.annotations.readers.paths import below


def test_backslashes_are_separators_where_that_file_exists(tmp_path: Path):
    (tmp_path / "train/deep").mkdir(parents=True)
    (tmp_path / "train/deep/a.jpg").touch()
    (tmp_path / "train\\odd.jpg").touch()
    (tmp_path / "train/odd.jpg").touch()
    assert below(tmp_path, r"train\deep\a.jpg") == tmp_path / "train/deep/a.jpg"
    assert below(tmp_path, r".\train/deep\a.jpg") == tmp_path / "train/deep/a.jpg"
    assert below(tmp_path, r"train\odd.jpg") == tmp_path / r"train\odd.jpg", "the name as it is"
    assert below(tmp_path, r"train\absent.jpg") == tmp_path / r"train\absent.jpg"
    assert below(tmp_path, "\\" + "x" * 300) == tmp_path / ("\\" + "x" * 300)
    assert below(tmp_path, "\\\0") == tmp_path / "\\\0"
