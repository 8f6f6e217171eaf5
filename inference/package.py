"""A model that travels: a folder with both graphs, what describes them, and a list of checksums.

    model.json                  name, scores, where it was made; sha256 of every file; written last
    MODEL_CARD.md               the same for a person
    pose.onnx, pose.json        stage 1, where the recipe needs poses
    classifier.onnx, .json      stage 2; the sidecar holds recipe and names of classes
    parts.onnx, .json           instead, of a model of body parts
    linear.npz, .json           the classifier of stage 2's vectors, if a model of motion has one
    track.json                  how people are followed through a video, of a model of motion
    pose_files.json             what pose files do not say, of one that was trained from them
    *_int8.xml, .bin, .json     int8 twins, where the run has them
    precision.json              which faster precisions may be used, if that was measured
    on_device.json, _sample.png what a browser needs to answer by itself

Only what model.json lists is used. `open_model` finds the stages in such a folder and in a run's.
Knows nothing of configurations.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pose_activity.artifacts import atomic
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.artifacts.remote import require_local
from pose_activity.inference import on_device, precision_records
from pose_activity.inference.kinds import KINDS, Kind
from pose_activity.runtime.graph import int8_is_of, twin_of
from pose_activity.stage1_pose import predict as stage1
from pose_activity.stage2_classifier import sidecar

NAME, CARD = "model.json", "MODEL_CARD.md"
_FORMAT = 1
_GRAPHS = (".onnx", ".xml", ".bin")  # large; compared where they are loaded, not twice


class PackageError(ValueError):
    """A packaged model cannot be used; the message says which file and why."""


@dataclass(frozen=True)
class ModelFolder:
    """Where a model is.

    Attributes:
        stage1: Folder of the pose graph and its sidecar.
        stage2: Folder of the classifier and its sidecar.
        packaged: Whether `write_package` made it; else it is a run.
    """

    stage1: Path
    stage2: Path
    packaged: bool


def open_model(folder: Path) -> ModelFolder:
    """Finds the stages of a model.

    Of a package, every file must be there and be the one that was packaged, and no other may lie
    there that a model could have. The graphs' own bytes are compared with the checksums in their
    sidecars when they are loaded.

    Args:
        folder: A run folder or a packaged model.

    Raises:
        FileNotFoundError: neither is there, or a file of the package is missing.
        PackageError: a file of the package was altered, was added to it, or a newer version wrote
            it.
    """
    require_local(folder, "the folder of a model")
    if (folder / NAME).is_file():
        files = read_model(folder)["files"]
        if strange := _strays(folder, files):
            raise PackageError(
                f"{folder} may hold those files of a model only that its {NAME} lists. Received: "
                f"{', '.join(strange)} besides. Remove it, or copy the whole folder again."
            )
        _check(folder, files)
        return ModelFolder(folder, folder, packaged=True)
    if not (folder / "stage2").is_dir():
        raise FileNotFoundError(
            f"{folder / 'stage2'} is missing, and so is {folder / NAME}. Name the folder of a "
            "finished run, or one that the command `package` wrote."
        )
    return ModelFolder(folder / "stage1", folder / "stage2", packaged=False)


def kind_of(folder: Path) -> Kind:
    """Returns the kind of a model.

    Args:
        folder: A run folder or a packaged model.

    Raises:
        FileNotFoundError: no finished model is there.
        PackageError: see `open_model`.
        ValueError: the classifier's sidecar is damaged.
    """
    stage2 = open_model(folder).stage2
    others = (kind for kind in KINDS.values() if kind.graph != sidecar.GRAPH)
    if not (stage2 / sidecar.GRAPH).is_file():  # a classifier may have another's graph, for planes
        for kind in others:
            if (stage2 / kind.graph).is_file():
                return kind
    return KINDS[sidecar.kind_of(stage2)]


def read_model(folder: Path) -> dict[str, Any]:
    """Returns what `model.json` says.

    Raises:
        PackageError: it is damaged, or a newer version wrote it.
    """
    path = folder / NAME
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        version, files = value["format"], dict(value["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise PackageError(f"{path} is damaged ({error!r}). Copy the whole folder again.") from None
    if version != _FORMAT:
        raise PackageError(
            f"{path} must have format {_FORMAT}. Received: {version}. Update this project."
        )
    strange = [name for name in files if Path(name).name != name]
    if strange:
        raise PackageError(f"{path} may name files of its own folder only. Received: {strange}")
    return value


def files_of(run: Path, *, stage1_folder: Path | None = None) -> list[Path]:
    """Returns the files of a run that a package holds, int8 twins included.

    Args:
        run: Its folder.
        stage1_folder: Of a pose graph for a model that has none; None: the run's own, if any.

    Raises:
        FileNotFoundError: the run has no finished stage 2.
        ValueError: its sidecar is damaged.
    """
    places, kind = open_model(run), kind_of(run)
    places = replace(places, stage1=stage1_folder or places.stage1)
    folders = (places.stage1, places.stage2)
    own = [folder / name for name in kind.files for folder in folders]
    found = [path for path in own if path.is_file()]
    has_pose = kind.predictor_class.uses_stage1(*folders)
    graphs = [places.stage1 / stage1.GRAPH] if has_pose else []
    for graph in [*graphs, places.stage2 / kind.graph]:
        twins = [twin_of(graph, suffix) for suffix in (".xml", ".bin", ".json")]
        found += [graph, graph.with_suffix(".json"), *(twins if int8_is_of(graph) else [])]
    return found


def check_target(out: Path) -> None:
    """Refuses a place where a package would be mixed with something else.

    Raises:
        FileExistsError: `out` is a file, or a folder with other things than a package; or a package
            to which a file of another model was added.
        ValueError: `out` is a URL.
    """
    require_local(out, "the folder of a package")
    if out.is_dir() and (out / NAME).is_file():
        if strange := _strays(out, read_model(out)["files"]):
            raise FileExistsError(
                f"{out} holds files of another model ({', '.join(strange)}), which its {NAME} does "
                "not list. Remove them, or name a new folder."
            )
        return
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists():
        raise FileExistsError(
            f"{out} exists and is not a packaged model. Name a new or an empty folder, or an older "
            "package, which is replaced."
        )


def write_package(
    out: Path, files: list[Path], *, card: str, about: Mapping[str, Any]
) -> dict[str, str]:
    """Writes a package; an older one at the same place is replaced, other files there stay.

    Args:
        out: The folder.
        files: What is copied into it; their names are all different.
        card: Text of `MODEL_CARD.md` up to the list of files, which is added.
        about: JSON values for `model.json`, beside the checksums.

    Returns:
        Name -> sha256 of each file but `model.json`.

    Raises:
        FileExistsError: see `check_target`.
    """
    check_target(out)
    old = read_model(out)["files"] if (out / NAME).is_file() else {}
    (out / NAME).unlink(missing_ok=True)  # from here on it is no package
    for file in files:
        with atomic.replacing(out / file.name) as temporary:
            shutil.copyfile(file, temporary)
    digests = {file.name: sha256_file(out / file.name) for file in files}
    rows = "".join(f"| `{name}` | `{digest}` |\n" for name, digest in digests.items())
    atomic.write_text(out / CARD, f"{card}\n## Files\n\n| file | sha256 |\n|---|---|\n{rows}")
    digests[CARD] = sha256_file(out / CARD)
    for name in old.keys() - digests.keys():
        (out / name).unlink(missing_ok=True)
    atomic.write_json(out / NAME, {"format": _FORMAT, **about, "files": digests})
    return digests


def _strays(folder: Path, listed: Mapping[str, str]) -> list[str]:
    """Returns files in a package that a model can have but the package does not list."""
    graphs = {Path(stage1.GRAPH), *(Path(kind.graph) for kind in KINDS.values())}
    names = [name for kind in KINDS.values() for name in kind.files]
    names += [precision_records.NAME, on_device.NAME, on_device.SAMPLE]
    for graph in sorted(graphs):
        twins = [twin_of(graph, suffix).name for suffix in (".xml", ".bin", ".json")]
        names += [graph.name, graph.with_suffix(".json").name, *twins]
    some = dict.fromkeys(names)
    return [name for name in some if name not in listed and (folder / name).exists()]


def _check(folder: Path, files: Mapping[str, str]) -> None:
    described: dict[str, str] = {}
    for name, digest in files.items():
        path = folder / name
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing from the packaged model. Copy the whole folder again."
            )
        if path.suffix not in _GRAPHS and sha256_file(path) != digest:
            raise PackageError(
                f"{path} was altered after it was packaged. Copy the whole folder again."
            )
        if path.suffix == ".json":
            described |= _digests_in(path)
    for name, digest in files.items():
        if Path(name).suffix in _GRAPHS and described.get(name) != digest:
            raise PackageError(
                f"{folder}: {NAME} and the sidecars disagree about {name}. Copy the whole folder "
                "again."
            )


def _digests_in(described: Path) -> dict[str, str]:
    """Returns name -> sha256 of what a sidecar describes: its graph, or an int8 twin's files."""
    value = json.loads(described.read_text(encoding="utf-8"))
    found = value.get("sha256", {}) if isinstance(value, dict) else {}  # precision.json is a list
    return found if isinstance(found, dict) else {f"{described.stem}.onnx": found}
