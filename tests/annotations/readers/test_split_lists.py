"""Official lists of videos: miniatures of their layouts, as the data sets' archives hold them."""

from pathlib import Path

import pytest

from pose_activity.annotations.readers.split_lists import read_split_lists
from pose_activity.annotations.readers.video_folder import read_video_folder


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


UCF101 = {
    "classInd.txt": "1 Archery\r\n2 YoYo\r\n",
    "trainlist01.txt": "Archery/v_Archery_g08_c01.avi 1\r\nYoYo/v_YoYo_g08_c01.avi 2\r\n",
    "testlist01.txt": "Archery/v_Archery_g01_c01.avi\r\nYoYo/v_YoYo_g01_c01.avi\r\n",
    "trainlist02.txt": "Archery/v_Archery_g01_c01.avi 1\r\nYoYo/v_YoYo_g01_c01.avi 2\r\n",
    "testlist02.txt": "Archery/v_Archery_g08_c01.avi\r\n",
}


@pytest.mark.parametrize(
    ("fold", "splits"),
    [(1, ["test", "train", "test", "train"]), (2, ["train", "test", "train", None])],
)
def test_ucf101(tmp_path: Path, fold: int, splits: list[str | None]):
    lists = write(tmp_path / "lists", UCF101)
    names = [
        f"{label}/v_{label}_g{g}_c01.avi" for label in ("Archery", "YoYo") for g in ("01", "08")
    ]
    videos = write(tmp_path / "UCF-101", dict.fromkeys(names, ""))
    notes: list[str] = []
    clips = read_video_folder(
        videos,
        lists=lists,
        fold=fold,
        group_pattern=r"v_(?P<group>[A-Za-z]+_g\d+)_",
        on_note=notes.append,
    )
    assert [clip.name for clip in clips] == names
    assert [clip.split for clip in clips] == splits
    assert (clips[0].label, clips[0].group) == ("Archery", "Archery_g01")
    left_out = "1 videos are in no list: YoYo/v_YoYo_g08_c01.avi. Left out."
    assert any(left_out in note for note in notes) == (fold == 2)


def test_hmdb51(tmp_path: Path):
    lists = write(
        tmp_path / "lists",
        {
            "brush_hair_test_split1.txt": "a b (1)_brush_hair_u_nm_0.avi 1 \nx_goo_1.avi 2 \n"
            "x_goo_2.avi 0 \n",
            "wave_test_split1.txt": "x_goo_1.avi 1 \n",
            "wave_test_split2.txt": "x_goo_1.avi 2 \n",
        },
    )
    assert read_split_lists(lists) == {
        "brush_hair/a b (1)_brush_hair_u_nm_0.avi": "train",
        "brush_hair/x_goo_1.avi": "test",
        "brush_hair/x_goo_2.avi": None,
        "wave/x_goo_1.avi": "train",
    }
    videos = write(tmp_path / "v", {"brush_hair/x_goo_2.avi": "", "wave/x_goo_1.avi": ""})
    notes: list[str] = []
    clips = read_video_folder(videos, lists=lists, on_note=notes.append)
    assert [clip.split for clip in clips] == [None, "train"]
    assert "2 of 4 names have no video here: brush_hair/a b (1)" in notes[0]


@pytest.mark.parametrize("names", ["{}.txt", "tumgaid{}ids.lst"])
def test_lists_of_people(tmp_path: Path, names: str):
    people = {"train": "# who\np001\n\n", "val": "p002\n", "test": "p003\n"}
    lists = write(tmp_path / "lists", {names.format(s): text for s, text in people.items()})
    roles = ["train", "train", "val", "val", "test", "test"]
    walks = [f"p00{i}/{walk}.mp4" for i in (1, 2, 3) for walk in ("b01", "n01")]
    clips = read_video_folder(write(tmp_path / "v", dict.fromkeys(walks, "")), lists=lists)
    assert [(clip.name, clip.split) for clip in clips] == [
        (name, split) for name, split in zip(walks, roles, strict=True)
    ]


def test_the_pieces_of_a_listed_video_are_of_its_split(tmp_path: Path):
    videos = write(tmp_path / "v", {"a/1.avi": "", "a/2.avi": ""})
    files = {"train.txt": "a/1", "test.txt": "a/2.avi", "ranges": "1 frames 1-9, 20-30"}
    lists = write(tmp_path / "lists", files)
    clips = read_video_folder(videos, lists=lists, ranges=lists / "ranges")
    assert [(clip.name, clip.split) for clip in clips] == [
        ("a/1_0", "train"),
        ("a/1_1", "train"),
        ("a/2.avi", "test"),
    ]


@pytest.mark.parametrize(
    ("files", "fold", "message"),
    [
        ({"notes.md": "x"}, 1, r"It holds no lists of fold 1 with names in them"),
        ({"train.txt": "a/1.avi"}, 2, r"must hold trainlist02.txt and testlist02.txt \(UCF101\)"),
        ({"train.txt": "a/1.avi", "test.txt": "a/1.avi"}, 1, "in one split. .* twice: 'a/1.avi'"),
        ({"wave_test_split1.txt": "a.avi 3"}, 1, r"and 0, 1 or 2. Received: 'a.avi 3'"),
        ({"wave_test_split1.txt": "a.avi"}, 1, r"and 0, 1 or 2. Received: 'a.avi'"),
        ({"train.txt": "b/1.avi"}, 1, r"must name videos .* They name b/1.avi; .* holds a/1.avi"),
    ],
)
def test_other_lists(tmp_path: Path, files: dict[str, str], fold: int, message: str):
    videos = write(tmp_path / "v", {"a/1.avi": ""})
    with pytest.raises(ValueError, match=message):
        read_video_folder(videos, lists=write(tmp_path / "lists", files), fold=fold)


def test_no_lists(tmp_path: Path):
    with pytest.raises(ValueError, match="absent: there is no such folder. Give the one with"):
        read_split_lists(tmp_path / "absent")
