"""Pictures and videos with answers drawn on them."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.containers import examine
from pose_activity.annotations.drawing_mark import is_drawing
from pose_activity.annotations.images import load_rgb
from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses
from pose_activity.annotations.videos import Frame, read_header
from pose_activity.annotations.videos import read_frames as frames_of
from pose_activity.inference import annotated_media, overlay
from pose_activity.inference.annotated_media import AnnotatedOutput, drawing_name
from pose_activity.inference.options import VideoFormat
from pose_activity.inference.pictures.draw import AnswerPainter
from pose_activity.inference.results import FrameResult, Result
from pose_activity.stage1_pose.track import Track
from tests.commands import ROOT
from tests.inference.drawn_videos import coloured, largest_file, run_ffmpeg, write_video
from tests.inference.fakes import BOXES, answered, failed, nobody, poses_of

GREY = np.full((50, 80, 3), 90, np.uint8)
LARGE = np.full((240, 320, 3), 90, np.uint8)


def about(image: np.ndarray, *rows: Result) -> FrameResult:
    """Returns the answer with rows about one frame, as the pipeline hands it on."""
    first = rows[0]
    frame = Frame(first.image, lambda: image, first.frame, first.seconds)
    return FrameResult(frame, list(rows), None if first.error else image)


def draw(folder: Path, answers: Sequence[FrameResult], **options) -> list[str]:
    """Draws answers as a run does; returns what could not be drawn."""
    messages = []
    with AnnotatedOutput(folder, AnswerPainter(0.2), **options) as drawn:
        for answer in answers:
            messages.append(drawn.add(replace(answer, made=drawn.paint(answer), pixels=None)))
        messages.append(drawn.close())
    return [message for message in messages if message]


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Returns which pixels are others than before, `(H, W)` bool."""
    return np.abs(before.astype(int) - after).max(-1) > 30


def test_each_person_has_a_label_and_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def remember(image, skeleton, keypoints, boxes, labels, *, threshold):
        seen.extend(zip(labels, boxes.tolist(), strict=True))
        return image.copy()

    monkeypatch.setattr(overlay, "draw_poses", remember)
    shares = [(0.75, 0.2, 0.05), (0.1, 0.5, 0.4), (0.2, 0.3, 0.5)]
    rows = [
        answered("a.jpg", share, people=3, person=i, unknown_below=0.5 if i else 0.6)
        for i, share in enumerate(shares)
    ]
    rows[2] = replace(rows[2], unknown_below=0.9)
    image = overlay.paint_people(GREY, rows, threshold=0.2)
    assert seen == [
        ("walk 75%", BOXES[0].tolist()),
        ("run 50%", BOXES[1].tolist()),
        ("unknown 50%", BOXES[2].tolist()),
    ]
    white = (image == 255).all(-1)
    for (x1, _, x2, y2), share in zip(BOXES, (0.75, 0.5, 0.5), strict=True):
        line = white[int(y2) - 1, int(x1) : int(x2) + 1]
        assert line.sum() == pytest.approx(share * (x2 - x1), abs=2)
        assert line[: line.sum()].all()  # from the left


def test_bars_are_as_long_as_answers_are_probable() -> None:
    image = overlay.paint_answer(LARGE, answered("a.jpg", (0.6, 0.3, 0.1)))
    assert image.shape == LARGE.shape and not changed(LARGE, image)[:190].any()
    line, width = 15, 15 * 15
    for i, share in enumerate((0.6, 0.3, 0.1)):
        y = 240 - (3 - i) * line + line - 3  # below the letters
        blueish = image[y, :width, 2].astype(int) - image[y, :width, 0] > 10
        assert blueish.sum() == pytest.approx(share * width, abs=3)
    assert not changed(LARGE, image)[:, width:].any()


def test_a_long_name_is_cut_and_letters_of_any_script_are_written() -> None:
    row = answered("a.jpg")
    long = replace(row, ranking=(("разговаривать по телефону" * 3, 0.5), ("電話", 0.3)))
    image = overlay.paint_answer(LARGE, long)
    assert not changed(LARGE, image)[:, 15 * 15 :].any()
    other = replace(row, ranking=(("разговаривать по телефону" * 3, 0.5), ("走る", 0.3)))
    assert not np.array_equal(image, overlay.paint_answer(LARGE, other))


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (60, 1), (11, 11), (50, 80)])
def test_pictures_of_any_size_keep_it(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 90, np.uint8)
    for row in (answered("a.jpg"), nobody("a.jpg"), answered("a.jpg", unknown_below=0.9)):
        painted = overlay.paint_answer(overlay.paint_people(image, [row], threshold=0.2), row)
        assert painted.shape == image.shape and painted.dtype == np.uint8
    assert (image == 90).all()


def test_a_picture_becomes_a_jpeg(tmp_path: Path) -> None:
    rows = {name: answered(name, people=2) for name in ("a/photo.png", "b/photo.png")}
    answers = [about(LARGE, row) for row in rows.values()]
    answers += [about(LARGE, failed("c.jpg", "is empty")), about(LARGE, nobody("d.jpg"))]
    assert draw(tmp_path / "new" / "drawn", answers) == []
    files = sorted((tmp_path / "new" / "drawn").iterdir())
    assert [file.name.split("-")[0] for file in files] == ["d", "photo", "photo"]
    for file in files:
        drawn = load_rgb(file)
        assert drawn.shape == LARGE.shape and changed(LARGE, drawn)[200:].any()


@pytest.mark.parametrize("ending", ["webm", "mp4"])
def test_a_video_becomes_a_video_of_its_size_and_speed(
    tmp_path: Path, ending: VideoFormat, capfd: pytest.CaptureFixture
) -> None:
    frames = [np.full((96, 128, 3), 20 * i + 30, np.uint8) for i in range(6)]
    clip = write_video(tmp_path / "clip.avi", frames, fps=12.5)
    rows = [answered(clip, people=1, frame=i) for i in range(6)]
    answers = [about(frame, row) for frame, row in zip(frames, rows, strict=True)]
    answers += [about(frames[0], failed(clip, "cut off", frame=6)), about(LARGE, answered("a.jpg"))]
    assert draw(tmp_path / "drawn", answers, video=ending) == []
    assert capfd.readouterr().err == ""
    (photo, film) = sorted((tmp_path / "drawn").iterdir())
    assert (photo.suffix, film.suffix) == (".jpg", f".{ending}") and film.name.startswith("clip-")
    capture = cv2.VideoCapture(str(film))
    shown = [capture.read()[1] for _ in range(6)]
    assert not capture.read()[0] and capture.get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)
    for before, after in zip(frames, shown, strict=True):
        assert after.shape == before.shape
        assert abs(int(after[5, 120, 0]) - int(before[0, 0, 0])) < 12  # far from what is drawn
        assert changed(before, after)[80:].any()


def test_frames_that_are_left_out_make_a_video_of_fewer_a_second(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.avi", [GREY] * 9, fps=12)
    rows = [answered(clip, frame=i) for i in (0, 3, 6)]
    draw(tmp_path / "drawn", [about(GREY, row) for row in rows], every=3)
    (film,) = (tmp_path / "drawn").iterdir()
    assert (read_header(film).frames, read_header(film).fps) == (3, pytest.approx(4))


def test_a_camera_keeps_its_speed(tmp_path: Path) -> None:
    rows = [
        replace(answered("camera:0", frame=i), seconds=t) for i, t in enumerate((0.0, 0.4, 0.42))
    ]
    draw(tmp_path, [about(GREY, row) for row in rows])
    (film,) = tmp_path.iterdir()
    assert read_header(film).frames == 12  # 0.44 seconds of 25, the second frame held


def test_a_crash_leaves_no_half_video(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.avi", [GREY] * 2)
    answer = about(GREY, answered(clip, frame=0))
    with pytest.raises(KeyError), AnnotatedOutput(tmp_path / "drawn", AnswerPainter(0.2)) as drawn:
        drawn.add(replace(answer, made=drawn.paint(answer)))
        raise KeyError
    assert list((tmp_path / "drawn").iterdir()) == []


def test_what_cannot_be_drawn_is_said_and_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = np.zeros((1, 65_501, 3), np.uint8)
    (message,) = draw(tmp_path / "a", [about(wide, answered("wide.png", people=None))])
    assert message == "wide.png: 65501x1 is too large for a JPEG"
    clip = write_video(tmp_path / "clip.avi", [GREY] * 2)
    webm = replace(annotated_media._FORMATS["webm"], codec="none")
    monkeypatch.setitem(annotated_media._FORMATS, "webm", webm)
    answers = [about(GREY, answered(clip, frame=i)) for i in range(2)]
    (message,) = draw(tmp_path / "b", answers)
    assert "this OpenCV cannot write a WebM" in message
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize("size", [0, 100, 5_000, 20_000])
def test_a_video_on_a_full_disk_does_not_appear(tmp_path: Path, size: int) -> None:
    clip = write_video(tmp_path / "clip.avi", coloured(60))
    answers = [about(frame.load(), answered(clip, frame=frame.number)) for frame in frames_of(clip)]
    answers.append(about(LARGE, answered("a.jpg")))
    folder = tmp_path / "drawn"
    with largest_file(size):
        messages = draw(folder, answers[:-1])
    assert len(messages) == 1 and "clip-" in messages[0]
    assert list(folder.iterdir()) == []
    with largest_file(size):
        messages = draw(folder, answers)
    assert "clip-" in " ".join(messages), "told when the next source begins"
    draw(folder, answers[:-1])
    (film,) = (path for path in folder.iterdir() if path.suffix == ".webm")
    assert read_header(film).frames == 60


@pytest.mark.parametrize("ending", ["webm", "mp4"])
def test_drawings_are_no_inputs_and_play_as_before(tmp_path: Path, ending: VideoFormat) -> None:
    clip = write_video(tmp_path / "clip.avi", [GREY] * 4)
    answers = [about(GREY, answered(clip, frame=i)) for i in range(4)]
    draw(tmp_path / "drawn", [*answers, about(LARGE, answered("a.jpg"))], video=ending)
    (photo, film) = sorted((tmp_path / "drawn").iterdir())
    assert is_drawing(photo) and is_drawing(film) and not is_drawing(clip)
    assert len(list(frames_of(film))) == 4 and not examine(film).broken
    run_ffmpeg("-xerror", "-err_detect", "explode", "-i", film, "-f", "null", "-")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("Фото Мария.jpg", "Фото_Мария"),
        ("写真 1.jpg", "写真_1"),
        ("हिन्दी.jpg", "हिन्दी"),
        ("cafe\u0301.jpg", "café"),
        ("caf\udce9 b.jpg", "caf_xe9_b"),
        ('a<b>:"|?*.jpg', "a_b"),
        ("x" * 200 + ".jpg", "x" * 80),
        ("字" * 80 + ".jpg", "字" * 26),
        ("🎾.jpg", ""),
        ("camera:0", "camera_0"),
    ],
)
def test_drawings_keep_the_names_of_their_sources(source: str, name: str) -> None:
    found = drawing_name(Path(source))
    assert found.rpartition("-")[0] == name
    assert found != drawing_name(Path("elsewhere", source))
    assert len(f"{found}.000000.12.explained.png".encode()) < 143  # what encrypted folders allow


HOLD = """
import sys, time
from pathlib import Path
from pose_activity.inference.drawing_folder import drawing_in
with drawing_in(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_what_a_killed_run_left_is_removed_but_not_under_a_living_one(tmp_path: Path) -> None:
    left = [tmp_path / name for name in (".tmp-0123456789abcdef.jpg", ".tmp-fedcba9876543210.mp4")]
    theirs = [
        ".tmp-notes.txt",
        ".tmp-mine.jpg",
        "photo.jpg",
        ".tmp-0123456789abcdef.csv",
        ".partial.mp4",
    ]
    for path in [*left, *(tmp_path / name for name in theirs)]:
        path.touch()
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout and other.stdout.readline() == b"held\n"
            assert not any(path.exists() for path in left), "nobody else was alive"
            for path in left:
                path.touch()
            draw(tmp_path, [])
            assert all(path.exists() for path in left), "the other may be writing them"
        finally:
            other.kill()
    draw(tmp_path, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(theirs)


def test_no_folder_draws_nothing() -> None:
    with AnnotatedOutput(None, AnswerPainter(0.2)) as drawn:
        answer = about(GREY, answered("a.jpg"))
        assert drawn.paint(answer) is None and drawn.add(answer) is None


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        AnnotatedOutput(tmp_path / "file", AnswerPainter(0.2))


def test_a_name_that_is_no_utf8_is_written() -> None:
    row = Result(Path("a.jpg"), ranking=(("rowing\udce9", 0.8), ("golf", 0.2)))
    painted = overlay.paint_answer(np.full((240, 320, 3), 90, np.uint8), row)
    assert painted.shape == (240, 320, 3) and (painted > 200).any(), "there are letters"


def test_only_who_is_in_a_frame_is_drawn_there() -> None:
    poses = poses_of(Path("clip.avi"), 2, (320, 240))
    people = [
        Track(i, COCO17, np.array(frames), *(np.stack([part[i]] * 2) for part in parts_of(poses)))
        for i, frames in enumerate(([3, 4], [4, 6]))
    ]
    rows = [answered("clip.avi", person=0), Result(Path("clip.avi"), person=1)]
    drawn = {
        frame: overlay.paint_tracks(
            LARGE, list(zip(people, rows, strict=True)), frame, threshold=0.2
        )
        for frame in (2, 3, 4, 5, 6)
    }
    there = {frame: changed(LARGE, image) for frame, image in drawn.items()}
    assert not there[2].any() and not there[5].any()
    assert not (there[3] & there[6])[25:, :30].any()  # each at their own box
    assert ((there[3] | there[6]) & ~there[4]).mean() < 0.01
    assert np.array_equal(overlay.paint_tracks(LARGE, [], 0, threshold=0.2), LARGE)


def parts_of(poses: Poses) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return poses.boxes, poses.scores, poses.keypoints
