"""Which number of a name is the frame's."""

import pytest

from pose_activity.annotations.readers.frame_numbers import number_frames


def numbers(*names: str) -> list[int]:
    return [*number_frames("x", names, advice="Split it.").values()]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("000012_cam1.jpg", "000013_cam1.jpg"), [12, 13]),
        (("cam1_9.jpg", "cam1_10.jpg"), [9, 10]),
        (("7", "8"), [7, 8]),
        (("clip.mp4_3.jp2", "clip.mp4_4.jp2"), [3, 4]),
        (("f1.v2", "f2.v2"), [1, 2]),
        (("t_0.48_12.png", "t_0.52_13.png"), [12, 13]),  # a frame's time, and its number
        (("12_t0480.png", "13_t0520.png", "14_t0560.png"), [12, 13, 14]),
        (("12_12.jpg", "13_13.jpg"), [12, 13]),
        (("000012_cam1.jpg",), [12]),
        (("cam1_12.jpg",), [12]),
    ],
)
def test_the_number_that_changes(names: tuple[str, ...], expected: list[int]) -> None:
    assert numbers(*names) == expected


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a1", "b1"), "of one video, .* Received: 'a1', 'b1'. Split it."),
        (("a1_1", "a1_2", "a2_1"), "Received: 'a1_1', 'a2_1'. Split"),
        (("1_a1", "2_a1", "3_a1", "1_a2"), "Received: '1_a1', '1_a2'. Split"),
        (("00-01-040", "00-01-080", "00-02-000"), "of one video"),  # times are no frames
        (("1.jpg", "walk.jpg"), r"its number in its name, as '12.jpg' has. Received: 'walk.jpg'"),
        (("1.jpg", "01.jpg"), "Received frame 1 twice: '1.jpg' and '01.jpg'"),
        (("1.jpg", "1.png"), "frame 1 twice"),
    ],
)
def test_what_is_refused(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^x: .*{message}"):
        numbers(*names)
