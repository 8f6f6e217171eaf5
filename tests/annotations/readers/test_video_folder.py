"""A folder of videos, and a text file that says which frames of them are clips."""

import os
from pathlib import Path

import pytest

from pose_activity.annotations.drawing_mark import mark_mp4
from pose_activity.annotations.readers.video_folder import read_ranges, read_video_folder

_KTH = r"(?P<label>person\d+)_"


def _touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def _ranges(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "ranges.txt"
    path.write_text(text, encoding="utf-8")
    return path


class TestFolder:
    def test_a_folder_per_person(self, tmp_path: Path):
        _touch(tmp_path, "Jürgen/b.MP4", "Jürgen/day 2/a.webm", "anna/x.avi", "anna/notes.txt")
        _touch(tmp_path, "anna/.hidden.mp4", "list.csv", ".cache/y.mp4")
        clips = read_video_folder(tmp_path)
        assert [(c.name, c.label, c.group, c.split) for c in clips] == [
            ("Jürgen/b.MP4", "Jürgen", None, None),
            ("Jürgen/day 2/a.webm", "Jürgen", None, None),
            ("anna/x.avi", "anna", None, None),
        ]
        assert clips[0].source == tmp_path / "Jürgen" / "b.MP4" and clips[0].span is None
        assert clips[0].keypoints is None and clips[0].times is None

    @pytest.mark.parametrize("pattern", [None, r"(?P<label>anna|ben)"])
    def test_what_is_no_input_is_said(self, tmp_path: Path, pattern: str | None):
        notes: list[str] = []
        _touch(tmp_path, "anna/1.ts", "anna/2.M4V", "ben/1.3gp", "ben/2.wmv", "ben/3.swf")
        _touch(tmp_path, "anna/4.braw", "anna/photo.heic", "ben/5.obu", "drawn/anna_1-0123.mp4")
        for name in ("ben/again.mp4", "drawn/anna_1-0123.mp4"):
            (tmp_path / name).touch()
            mark_mp4(tmp_path / name)
        clips = read_video_folder(tmp_path, label_pattern=pattern, on_note=notes.append)
        assert [clip.name for clip in clips] == "anna/1.ts anna/2.M4V ben/1.3gp ben/2.wmv".split()
        assert notes[:2] == [
            f"{tmp_path}: 1 file is not read: .obu 1. Convert it to MP4.",
            f"{tmp_path}: drawn by this project and left out: again.mp4, anna_1-0123.mp4.",
        ]

    def test_one_file_name_in_two_classes(self, tmp_path: Path):
        clips = read_video_folder(_touch(tmp_path, "a/1.mp4", "b/1.mp4", "b/1.avi"))
        assert [clip.name for clip in clips] == ["a/1.mp4", "b/1.avi", "b/1.mp4"]

    def test_names_say_group_and_split(self, tmp_path: Path):
        _touch(tmp_path, "run/s1_g01.avi", "run/s2_g01.avi", "run/other.avi", "walk/s1_g02.avi")
        clips = read_video_folder(
            tmp_path, group_pattern=r"_(?P<group>g\d+)", test_pattern="/s2", val_pattern="walk"
        )
        assert [(c.group, c.split) for c in clips] == [
            (None, "train"),
            ("g01", "train"),
            ("g01", "test"),
            ("g02", "val"),
        ]

    def test_the_class_in_the_name(self, tmp_path: Path):
        _touch(tmp_path, "person01_walking_d1.avi", "deep/person02_walking_d1.avi")
        clips = read_video_folder(tmp_path, label_pattern=_KTH)
        assert [(c.name, c.label) for c in clips] == [
            ("deep/person02_walking_d1.avi", "person02"),
            ("person01_walking_d1.avi", "person01"),
        ]

    def test_folders_of_splits(self, tmp_path: Path):
        notes: list[str] = []
        names = ("train/anna/1.mp4", "train/ben/2.mp4", "Test/anna/3.mp4")
        clips = read_video_folder(_touch(tmp_path, *names), on_note=notes.append)
        assert [(c.name, c.label, c.split) for c in clips] == [
            ("train/anna/1.mp4", "anna", "train"),
            ("train/ben/2.mp4", "ben", "train"),
            ("Test/anna/3.mp4", "anna", "test"),
        ]
        assert notes[0].endswith("are taken for the splits: train (train), Test (test).")
        clips = read_video_folder(tmp_path, test_pattern="2")
        assert [clip.split for clip in clips] == ["train", "test", "train"], "patterns count more"

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            ((), "must hold one sub-folder per label, with the videos in it. It holds no"),
            (("a/1.jpg", "b/1.mp4"), "at least one video. Empty: a. Add videos or delete"),
            (("a/1.mp4", "2.mp4"), r"videos must be in a sub-folder .* Beside .*: 2\.mp4. Move"),
            (("Anna/1.mp4", "anna/1.mp4"), "Received: 'Anna' and 'anna'. Merge or rename"),
        ],
        ids=["none", "empty class", "stray", "case"],
    )
    def test_a_folder_that_cannot_be_read(
        self, tmp_path: Path, names: tuple[str, ...], message: str
    ):
        with pytest.raises(ValueError, match=message):
            read_video_folder(_touch(tmp_path, *names))

    def test_no_videos(self, tmp_path: Path):
        for pattern in (None, _KTH):
            with pytest.raises(ValueError, match="absent: there is no such folder. Give the one"):
                read_video_folder(tmp_path / "absent", label_pattern=pattern)
        with pytest.raises(ValueError, match=r"must hold videos, such as \.mp4.* It holds none"):
            read_video_folder(_touch(tmp_path, "a.txt"), label_pattern=_KTH)

    def test_bad_patterns(self, tmp_path: Path):
        _touch(tmp_path, "a/1.mp4", "b/1.mp4")
        with pytest.raises(ValueError, match="label_pattern must be found .* Not found in: 'a/1"):
            read_video_folder(tmp_path, label_pattern=_KTH)
        with pytest.raises(ValueError, match="group_pattern must have a group named 'group'"):
            read_video_folder(tmp_path, group_pattern="g")


class TestRanges:
    TEXT = (
        "The frames are counted from 1.\none_a\t\tframes\t1-75, 152-225\n"
        "one frames 7 - 7\ntwo  *missing*\nthree frames 1-5\n"
    )

    def test_the_text(self, tmp_path: Path):
        assert read_ranges(_ranges(tmp_path, "\ufeff" + self.TEXT)) == {
            "one_a": [(0, 75), (151, 225)],
            "one": [(6, 7)],
            "three": [(0, 5)],
        }

    def test_pieces_of_videos(self, tmp_path: Path):
        _touch(tmp_path / "v", "x/one_a_uncomp.avi", "x/one_b.avi", "y/two.avi")
        notes: list[str] = []
        text = _ranges(tmp_path, self.TEXT)
        clips = read_video_folder(tmp_path / "v", ranges=text, on_note=notes.append)
        assert [(c.name, c.source.name, c.span, c.label, c.group) for c in clips] == [
            ("x/one_a_0", "one_a_uncomp.avi", (0, 75), "x", "x/one_a_uncomp.avi"),
            ("x/one_a_1", "one_a_uncomp.avi", (151, 225), "x", "x/one_a_uncomp.avi"),
            ("x/one_0", "one_b.avi", (6, 7), "x", "x/one_b.avi"),
            ("y/two.avi", "two.avi", None, "y", None),
        ]
        assert "passed over: line 1 'The frames are counted from 1.', line 4 'two  *mis" in notes[0]
        assert "videos without frame ranges are taken whole: y/two.avi" in notes[1]
        assert "1 of 3 lines with frame ranges name no video" in notes[2]

    @pytest.mark.parametrize("name", ["my walk", "a  b_1", "24 frames 2 take", "Küche", "x (1)"])
    def test_names_with_spaces(self, tmp_path: Path, name: str):
        _touch(tmp_path / "v", f"x/{name}.avi", "y/other.avi")
        lines = f"# by hand\n\n{name}  frames  1-5\ny/other frames 2-3 \n"
        text = _ranges(tmp_path, lines)
        notes: list[str] = []
        clips = read_video_folder(tmp_path / "v", ranges=text, on_note=notes.append)
        assert [(c.name, c.span) for c in clips] == [(f"x/{name}_0", (0, 5)), ("y/other_0", (1, 3))]
        assert not notes

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a frames 1-5, 9", r"line 1: ranges must be FIRST-LAST.* Received: 'a frames 1-5, 9'"),
            ("\na frames 0-5", "line 2: ranges must be FIRST-LAST"),
            ("a frames 5-4", "with 1 <= FIRST <= LAST"),
            ("a frames 1-5,", "with 1 <= FIRST <= LAST"),
            ("a frames 1-5\na frames 6-9", "line 2: 'a' must have one line. It has two"),
            ("hello", "must hold lines like 'NAME frames 1-75, 152-225'. It holds none"),
        ],
        ids=["no range", "zero", "backward", "comma", "twice", "none"],
    )
    def test_a_bad_text(self, tmp_path: Path, text: str, message: str):
        with pytest.raises(ValueError, match=r"ranges\.txt.*" + message):
            read_ranges(_ranges(tmp_path, text))

    def test_no_text(self, tmp_path: Path):
        with pytest.raises(ValueError, match="absent.txt: cannot be opened .No such file"):
            read_ranges(tmp_path / "absent.txt")
        (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00\x81")
        with pytest.raises(ValueError, match="binary.txt: must be text in UTF-8"):
            read_ranges(tmp_path / "binary.txt")

    def test_a_line_names_one_video(self, tmp_path: Path):
        folder = _touch(tmp_path / "v", "x/one_1.avi", "x/one_2.avi")
        with pytest.raises(ValueError, match="several for 'one': x/one_1.avi, x/one_2.avi"):
            read_video_folder(folder, ranges=_ranges(tmp_path, "one frames 1-5"))
        with pytest.raises(ValueError, match="must name one video. None of them names any"):
            read_video_folder(folder, ranges=_ranges(tmp_path, "on frames 1-5"))

    def test_kth(self, data_dir: Path):
        notes: list[str] = []
        clips = read_video_folder(
            data_dir / "clips" / "kth",
            label_pattern=_KTH,
            test_pattern="_3$",
            ranges=data_dir / "clips" / "kth" / "00sequences.txt",
            on_note=notes.append,
        )
        assert len(clips) == 6 * 4 and {clip.label for clip in clips} == {
            "person01",
            "person02",
            "person03",
        }
        by_name = {clip.name: clip for clip in clips}
        # The first line of the file: person01_walking_d1 frames 1-75, 152-225, 325-400, 480-555
        last = by_name["person01_walking_d1_3"]
        assert last.span == (479, 555) and last.split == "test"
        assert last.source.name == "person01_walking_d1_uncomp.avi" and last.source.is_file()
        assert "passed over: line 307 'person13_handclapping_d3\\t*missing*'." in notes[0]
        assert "593 of 599 lines with frame ranges name no video" in notes[1]


def test_a_name_that_is_not_utf8_is_left_out_and_told(tmp_path: Path) -> None:
    for name in (b"anna/a.mp4", b"ben/b.mp4", b"ben/caf\xe9.mp4"):
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        path.parent.mkdir(exist_ok=True)
        path.touch()
    notes: list[str] = []
    clips = read_video_folder(tmp_path, on_note=notes.append)
    assert [clip.name for clip in clips] == ["anna/a.mp4", "ben/b.mp4"]
    assert len(notes) == 1 and r"ben/caf\xe9.mp4: left out, its name is not UTF-8" in notes[0]
