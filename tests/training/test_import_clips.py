"""3DPeople's folders become archives, which are read again."""

from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.images import write_image
from pose_activity.annotations.part_files import load_image
from pose_activity.annotations.parts import PARTS15
from pose_activity.annotations.readers.part_archives import read_part_archives
from pose_activity.training.import_clips import import_clips

IDS = np.random.default_rng(0).integers(0, 15, (12, 16), np.uint8)
COLOURS = np.array(PARTS15.colours, np.uint8)


@pytest.fixture
def people3d(tmp_path: Path) -> Path:
    for person in ("woman17", "man36"):
        for number in (1, 2, 3):
            clip, name = f"{person}/02_04_jump/camera01", f"{number:04d}"
            mask = COLOURS[(IDS + number) % 15]
            mask[0, 0] = 1, 2, 3  # no part's colour
            for folder, image, ending in (
                (f"rgb/{clip}/skin08", np.full((12, 16, 3), 10 * number, np.uint8), "jpg"),
                (f"segmentation_body/{clip}", mask, "png"),
                (f"segmentation_clothes/{clip}", np.full((12, 16, 3), 153, np.uint8), "png"),
            ):
                path = tmp_path / "people" / folder / f"{name}.{ending}"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_image(path, image)
    return tmp_path / "people"


def test_an_archive_per_clip(people3d: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    counts = import_clips(people3d, out)
    assert counts["clips"] == 2 and counts["images"] == 6 and counts["mixed_colour"] == 6
    names = ["man36__02_04_jump_camera01.npz", "woman17__02_04_jump_camera01.npz"]
    assert sorted(path.name for path in out.iterdir()) == names
    raws = list(read_part_archives(out))
    assert [raw.sample.split for raw in raws] == ["test"] * 3 + ["train"] * 3
    ids = raws[5].read_mask().ids
    assert np.array_equal(ids.ravel()[1:], ((IDS + 3) % 15).ravel()[1:]) and ids[0, 0] < 15
    assert np.abs(load_image(raws[5].sample).astype(int) - 30).max() <= 1
    assert import_clips(people3d, out) == {"there already": 2}


def test_backgrounds_and_fewer_frames(people3d: Path, tmp_path: Path) -> None:
    import_clips(people3d, tmp_path / "out", every=2, black_background=True)
    raws = list(read_part_archives(tmp_path / "out"))
    assert len(raws) == 4 and not load_image(raws[0].sample).any(), "the clothes show nobody"


def test_nothing_that_can_be_used(people3d: Path, tmp_path: Path) -> None:
    for path in (people3d / "segmentation_body").rglob("*.png"):
        path.unlink()
    with pytest.raises(ValueError, match="not one of 6 pictures can be used. The first: .*0001"):
        import_clips(people3d, tmp_path / "out")
