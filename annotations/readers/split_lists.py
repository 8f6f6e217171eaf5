"""Lists of names in text files in, the split of each video out: UCF101's, HMDB51's and plain ones.

Three layouts of a folder are known, and told apart by the names of its files; N is the fold:

- UCF101: `trainlist0N.txt` and `testlist0N.txt`, one video per line, `YoYo/v_YoYo_g08_c01.avi`,
  with or without the number of its class behind it. (`classInd.txt` is not needed: the folders are
  the classes.)
- HMDB51: `CLASS_test_splitN.txt` for each class, one video per line and a digit: 1 is train, 2 is
  test, 0 is neither.
- plain: `train.txt`, `val.txt` and `test.txt`, as many as there are; also under the names of TUM
  GAID, `tumgaidtrainids.lst`, `tumgaidvalids.lst` and `tumgaidtestids.lst`. A name is a video, or a
  class: a person, with all their videos.

Empty lines, and those that begin with "#", mean nothing. No video is opened.

Source: the archives `UCF101TrainTestSplits-RecognitionTask.zip` and `test_train_splits.rar`, as
their data sets' pages describe them.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from pose_activity.annotations.text import preview
from pose_activity.annotations.types import SPLITS
from pose_activity.artifacts.text import read_utf8

_HMDB51 = {"1": "train", "2": "test", "0": None}
_NUMBER_BEHIND = re.compile(r"\s+\d+$")

Split = str | None
_Lines = Iterator[tuple[str, Split]]


def read_split_lists(lists: Path, *, fold: int = 1) -> dict[str, Split]:
    """Reads the lists of one fold.

    Args:
        lists: The folder with the text files.
        fold: Which of the official divisions, from 1; plain lists have one.

    Returns:
        Name -> "train", "val", "test", or None for a video that the lists leave out on purpose.

    Raises:
        ValueError: no such folder, no lists of that fold, a line that is not understood, or a name
            that is in two splits.
    """
    if not lists.is_dir():
        raise ValueError(f"{lists}: there is no such folder. Give the one with the lists.")
    found: dict[str, Split] = {}
    for name, split in _entries(lists, fold):
        if found.setdefault(name, split) != split:
            raise ValueError(f"{lists}: a name must be in one split. Received twice: {name!r}")
    if not found:
        raise ValueError(
            f"{lists}: must hold trainlist{fold:02d}.txt and testlist{fold:02d}.txt (UCF101), "
            f"CLASS_test_split{fold}.txt (HMDB51), or train.txt and test.txt. It holds no lists of "
            f"fold {fold} with names in them."
        )
    return found


def splits_of(
    lists: Path,
    found: Mapping[str, Split],
    videos: Sequence[tuple[str, str | None]],
    on_note: Callable[[str], None] | None = None,
) -> list[Split]:
    """Returns the split of each video.

    Args:
        lists: The folder, for the messages.
        found: What `read_split_lists` found in it.
        videos: Names, "CLASS/FILE.avi", and classes of the videos.
        on_note: Called with a note on how many videos no list names (they are left out), and how
            many names have no video.

    Raises:
        ValueError: not one of the names is a video's or a class's.
    """
    keys = [_key_of(name, label, found) for name, label in videos]
    unused = sorted({*found} - {*keys})
    if len(unused) == len(found):
        raise ValueError(
            f"{lists}: the lists must name videos or classes of the folder. They name "
            f"{preview(unused, 2)}; the folder holds {preview([name for name, _ in videos], 2)}."
        )
    without = [name for (name, _), key in zip(videos, keys, strict=True) if key is None]
    if on_note and without:
        on_note(f"{lists}: {len(without):,} videos are in no list: {preview(without)}. Left out.")
    if on_note and unused:
        on_note(
            f"{lists}: {len(unused):,} of {len(found):,} names have no video here: "
            f"{preview(unused)}. Figures are then not those of the official lists."
        )
    return [None if key is None else found[key] for key in keys]


def _key_of(name: str, label: str | None, found: Mapping[str, Split]) -> str | None:
    """Returns by which name the lists know a video: with its ending, without it, or its class."""
    known = (name, Path(name).with_suffix("").as_posix(), label)
    return next((key for key in known if key in found), None)


def _entries(lists: Path, fold: int) -> _Lines:
    ucf101 = {split: lists / f"{split}list{fold:02d}.txt" for split in ("train", "test")}
    end = f"_test_split{fold}.txt"
    hmdb51 = sorted(path for path in lists.iterdir() if path.name.endswith(end))
    if all(path.is_file() for path in ucf101.values()):
        for split, path in ucf101.items():
            yield from ((_NUMBER_BEHIND.sub("", line), split) for line in _lines(path))
    elif hmdb51:
        for path in hmdb51:
            yield from _of_hmdb51(path, path.name.removesuffix(end))
    else:
        for split in SPLITS if fold == 1 else ():
            for path in (lists / f"{split}.txt", lists / f"tumgaid{split}ids.lst"):
                if path.is_file():
                    yield from ((line, split) for line in _lines(path))


def _of_hmdb51(path: Path, label: str) -> _Lines:
    for line in _lines(path):
        name, _, digit = line.rpartition(" ")
        if digit not in _HMDB51 or not name.strip():
            raise ValueError(
                f"{path}: a line must be a video's name and 0, 1 or 2. Received: {line!r}"
            )
        yield f"{label}/{name.strip()}", _HMDB51[digit]


def _lines(path: Path) -> Iterator[str]:
    lines = (line.strip() for line in read_utf8(path).splitlines())
    return (line for line in lines if line and not line.startswith("#"))
