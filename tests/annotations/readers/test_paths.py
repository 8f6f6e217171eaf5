"""Names of files in label files, as Windows and others write them."""

from pathlib import Path

from pose_activity.annotations.readers.paths import image_path


def test_backslashes_are_separators_where_that_file_exists(tmp_path: Path):
    (tmp_path / "train/deep").mkdir(parents=True)
    (tmp_path / "train/deep/a.jpg").touch()
    (tmp_path / "train\\odd.jpg").touch()
    (tmp_path / "train/odd.jpg").touch()
    assert image_path(tmp_path, r"train\deep\a.jpg") == tmp_path / "train/deep/a.jpg"
    assert image_path(tmp_path, r".\train/deep\a.jpg") == tmp_path / "train/deep/a.jpg"
    assert image_path(tmp_path, r"train\odd.jpg") == tmp_path / r"train\odd.jpg", (
        "the name as it is"
    )
    assert image_path(tmp_path, r"train\absent.jpg") == tmp_path / r"train\absent.jpg"
    assert image_path(tmp_path, "\\" + "x" * 300) == tmp_path / ("\\" + "x" * 300)
    assert image_path(tmp_path, "\\\0") == tmp_path / "\\\0"
