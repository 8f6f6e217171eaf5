"""Pose sequences in `.npz` archives in, one `Clip` per sequence out.

Two layouts are known. In the first an array is a clip and its key is the clip's name
(`read_pose_archive`). In the second all clips of a split are in one array, one after another, with
their lengths and labels beside it (`read_flat_archive`). Archives are read without pickle.
"""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pose_activity.annotations.clips import Clip, check_names_once, steady_times
from pose_activity.annotations.convert import as_keypoints
from pose_activity.annotations.names import check_names
from pose_activity.annotations.readers.name_patterns import read_names
from pose_activity.annotations.skeleton import Skeleton, skeleton_of_size
from pose_activity.annotations.text import preview

_PARTS = ("poses", "lengths", "labels")
_UNREADABLE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)

Note = Callable[[str], None]


def read_archive(
    path: Path,
    *,
    fps: float,
    prefix: str | None = None,
    label_pattern: str | None = None,
    group_pattern: str | None = None,
    val_pattern: str | None = None,
    test_pattern: str | None = None,
    skeleton: Skeleton | None = None,
    min_score: float = 0.0,
    on_note: Note | None = None,
) -> list[Clip]:
    """Reads an archive of either kind.

    See `read_flat_archive` with a `prefix`, where patterns and `min_score` are not used, and
    `read_pose_archive` without one.
    """
    if prefix is not None:
        return read_flat_archive(path, prefix=prefix, fps=fps, skeleton=skeleton, on_note=on_note)
    return read_pose_archive(
        path,
        fps=fps,
        label_pattern=label_pattern,
        group_pattern=group_pattern,
        val_pattern=val_pattern,
        test_pattern=test_pattern,
        skeleton=skeleton,
        min_score=min_score,
        on_note=on_note,
    )


def read_pose_archive(
    path: Path,
    *,
    fps: float,
    label_pattern: str | None = None,
    group_pattern: str | None = None,
    val_pattern: str | None = None,
    test_pattern: str | None = None,
    skeleton: Skeleton | None = None,
    min_score: float = 0.0,
    on_note: Note | None = None,
) -> list[Clip]:
    r"""Reads an archive with one array per clip.

    Each array is `(T, K, 3)` or `(T, K, 4)`: x, y in pixels, confidence, and a detection score of
    the person in that frame. Its key is the clip's name and says the rest, see
    `annotations.readers.name_patterns`: for a key `person01_walking_d1_3`, for example,
    `label_pattern=r"(?P<label>person\d+)_"` and `test_pattern="_3$"`.

    Args:
        path: The `.npz` file.
        fps: Frames per second; the archive does not say.
        label_pattern: With a group `label`; None: clips without labels.
        group_pattern: With a group `group`.
        val_pattern: Clips of the split val.
        test_pattern: Clips of the split test.
        skeleton: Of the poses; None: the known one with that number of joints.
        min_score: Frames with a lower detection score become frames without a person; above 0
            it needs the fourth column.
        on_note: Called with a note on what was fixed.

    Returns:
        The clips, in the archive's order; `span` is None.

    Raises:
        ValueError: no such file, a damaged one, pickled or other arrays, a wrong number of joints,
            no arrays, `fps` that is not positive, or what the names do not say.
    """
    arrays = _load(path)
    parts = read_names(
        path,
        list(arrays),
        label_pattern=label_pattern,
        group_pattern=group_pattern,
        val_pattern=val_pattern,
        test_pattern=test_pattern,
        on_note=on_note,
    )
    skeletons = [_skeleton_of(path, name, array, skeleton) for name, array in arrays.items()]
    return [
        Clip(
            name=name,
            source=path,
            label=says.label,
            group=says.group,
            split=says.split,
            skeleton=found,
            keypoints=_keypoints(f"{path}, {name}", array, min_score, on_note),
            times=steady_times(len(array), fps),
        )
        for (name, array), says, found in zip(arrays.items(), parts, skeletons, strict=True)
    ]


def read_flat_archive(
    path: Path,
    *,
    prefix: str,
    fps: float,
    skeleton: Skeleton | None = None,
    on_note: Note | None = None,
) -> list[Clip]:
    """Reads an archive in which all clips of a split are one array.

    It holds `PREFIX_train_poses` `(sum of T, K, 2|3)`: x, y [, confidence]; `PREFIX_train_lengths`
    `(N,)`, each clip's T; `PREFIX_train_labels` `(N,)`, texts or numbers; and the same three for
    `test`. Without confidences, a joint at exactly (0, 0) is missing.

    Args:
        path: The `.npz` file.
        prefix: Which of several splits: "split1".
        fps: Frames per second; the archive does not say.
        skeleton: Of the poses; None: the known one with that number of joints.
        on_note: Called with a note on what was fixed.

    Returns:
        The clips of train, then those of test, named `PREFIX/train/0000`; `group` and `span` None.

    Raises:
        ValueError: no such file, a damaged one, arrays that are missing or of another kind, or
            lengths that do not sum up.
    """
    arrays = _load(path)
    needed = [f"{prefix}_{split}_{part}" for split in ("train", "test") for part in _PARTS]
    missing = [key for key in needed if key not in arrays]
    if missing:
        raise ValueError(
            f"{path}: with the prefix {prefix!r} it must hold {preview(needed, 6)}. "
            f"Missing: {preview(missing)}. It holds: {preview(list(arrays), 12)}"
        )
    clips = []
    for split in ("train", "test"):
        poses, lengths, labels = (arrays[f"{prefix}_{split}_{part}"] for part in _PARTS)
        _check_flat(f"{path}, {prefix}_{split}", poses, lengths, labels)
        found = _skeleton_of(path, f"{prefix}_{split}_poses", poses, skeleton, columns=(2, 3))
        keypoints = _flat_keypoints(f"{path}, {prefix}_{split}", poses, on_note)
        pieces = np.split(keypoints, np.cumsum(lengths)[:-1]) if len(lengths) else []
        for i, (piece, label) in enumerate(zip(pieces, labels, strict=True)):
            clips.append(
                Clip(
                    name=f"{prefix}/{split}/{i:04d}",
                    source=path,
                    label=str(label),
                    split=split,
                    skeleton=found,
                    keypoints=piece,
                    times=steady_times(len(piece), fps),
                )
            )
    check_names_once(path, clips)
    check_names(path, (clip.label for clip in clips))
    return clips


def split_prefixes(path: Path) -> list[str]:
    """Returns the prefixes of an archive for `read_flat_archive`; none for other archives.

    Raises:
        ValueError: no such file, or no archive.
    """
    end = "_train_poses"
    return [key.removesuffix(end) for key in _load(path) if key.endswith(end)]


def _load(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file. Give the path of the .npz file.")
    try:
        # Opened here, since numpy leaves a file open that is not an archive.
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("it is one array, an .npy file")
            arrays = {key: archive[key] for key in archive.files}
    except _UNREADABLE as error:
        raise ValueError(
            f"{path}: not an .npz file of plain arrays, or a damaged one ({error}). "
            "Save it with numpy.savez, without arrays of objects."
        ) from None
    if not arrays:
        raise ValueError(f"{path}: the archive is empty. It must hold one array per clip.")
    return arrays


def _skeleton_of(
    path: Path,
    name: str,
    array: np.ndarray,
    skeleton: Skeleton | None,
    columns: tuple[int, int] = (3, 4),
) -> Skeleton:
    """Returns whose joints an array holds, after checking its shape."""
    numbers = array.dtype.kind in "fiu"
    if not numbers or array.ndim != 3 or array.shape[2] not in columns:
        raise ValueError(
            f"{path}, {name}: must be numbers (frames, joints, {columns[0]} or {columns[1]}). "
            f"Received: {array.dtype} {array.shape}"
        )
    if skeleton is not None and array.shape[1] != len(skeleton):
        raise ValueError(
            f"{path}, {name}: {skeleton.name} has {len(skeleton)} joints. "
            f"Received: {array.shape[1]}, in an array {array.shape}"
        )
    try:
        return skeleton or skeleton_of_size(array.shape[1])
    except ValueError as error:
        raise ValueError(f"{path}, {name}: {error}. Name the skeleton.") from None


def _keypoints(where: str, array: np.ndarray, min_score: float, on_note: Note | None) -> np.ndarray:
    if min_score > 0 and array.shape[2] < 4:
        raise ValueError(
            f"{where}: min_score needs a fourth column with the detection's score. "
            f"Received: {array.shape}. Set min_score: 0"
        )
    keypoints = as_keypoints(array[..., :3], where, on_note)
    if array.shape[2] == 4:
        # A score that is not a number is below any other.
        scores = np.nan_to_num(array[..., 3], nan=-np.inf).max(axis=1, initial=-np.inf)
        keypoints[scores < min_score] = 0
    return keypoints


def _check_flat(where: str, poses: np.ndarray, lengths: np.ndarray, labels: np.ndarray) -> None:
    if lengths.dtype.kind not in "iu" or lengths.ndim != 1 or (lengths < 0).any():
        raise ValueError(
            f"{where}_lengths: must be whole numbers (clips,), none negative. "
            f"Received: {lengths.dtype} {lengths.shape}"
        )
    if labels.dtype.kind not in "iuU" or labels.shape != lengths.shape:
        raise ValueError(
            f"{where}_labels: must be texts or whole numbers {lengths.shape}, one per clip. "
            f"Received: {labels.dtype} {labels.shape}"
        )
    if lengths.sum() != len(poses):
        raise ValueError(
            f"{where}_lengths: must sum up to the number of frames in {where}_poses, "
            f"{len(poses):,}. Received a sum of {lengths.sum():,}"
        )


def _flat_keypoints(where: str, poses: np.ndarray, on_note: Note | None) -> np.ndarray:
    if poses.shape[2] == 3:
        return as_keypoints(poses, where, on_note)
    found = (poses != 0).any(axis=2, keepdims=True)
    if on_note and not found.all():
        on_note(f"{where}: {(~found).sum():,} joints are at (0, 0): missing.")
    return as_keypoints(np.concatenate([poses, found], axis=2), where, on_note)
