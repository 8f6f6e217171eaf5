"""JSON lines with people into a COCO keypoint file, and back.

Beside COCO's own keys an image has `status`, `error`, and of a video's frame `video`, `frame` and
`seconds`; a person has `score`, and `keypoint_scores` with a confidence per joint. COCO's v is 2
for a joint surer than 0.5, 1 for a less sure one, and 0 for a missing one, so that the file can be
corrected and read as labels (`annotations.readers.coco`).

Source: cocodataset.org/#format-data, "Keypoint Detection".
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.readers import coco
from pose_activity.inference.results import Columns, shortest

_SURE = 0.5


def from_json_lines(lines: Path, path: Path, columns: Columns) -> None:
    """Writes a COCO file.

    Args:
        lines: To read, one record per image or frame.
        path: To write.
        columns: Of the rows; their skeleton becomes the category.

    Raises:
        ValueError: the rows have no skeleton.
    """
    if columns.skeleton is None:
        raise ValueError(f"A COCO file holds poses. Received: rows of another kind for {path}")
    images, people = [], []
    with lines.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            record = json.loads(line)
            images.append(_image(record, number))
            people += [_person(person, number) for person in record["people"] or ()]
    coco.write_entries(path, images, people, [columns.skeleton])


def to_json_lines(path: Path) -> Iterator[str]:
    """Yields the lines that a COCO file was made from.

    Raises:
        ValueError: it is not such a file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        joints = content["categories"][0]["keypoints"]
        people: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for entry in content["annotations"]:
            people[entry["image_id"]].append(_as_person(entry, joints))
        for image in content["images"]:
            yield json.dumps(_as_record(image, people[image["id"]]), ensure_ascii=False) + "\n"
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"no COCO file of this command ({error!r})") from None


def _image(record: dict[str, Any], number: int) -> dict[str, Any]:
    name, frame, size = record["image"], record["frame"], record["size"]
    where = {"video": name, "frame": frame, "seconds": record["seconds"]}
    return {
        "id": number,
        "file_name": name if frame is None else f"{name}#{frame}",
        **({"width": size[0], "height": size[1]} if size else {}),
        **(where if frame is not None else {}),
        "status": record["status"],
        "error": record["error"],
    }


def _as_record(image: dict[str, Any], people: list[dict[str, Any]]) -> dict[str, Any]:
    has_size = "width" in image
    return {
        "image": image.get("video", image["file_name"]),
        "frame": image.get("frame"),
        "seconds": image.get("seconds"),
        "status": image["status"],
        "size": [image["width"], image["height"]] if has_size else None,
        "people": people if has_size else None,
        "error": image["error"],
    }


def _person(person: dict[str, Any], image_id: int) -> dict[str, Any]:
    x1, y1, x2, y2 = person["box"]
    joints = list(person["keypoints"].values())
    flags = [0 if v <= 0 else 2 if v > _SURE else 1 for _, _, v in joints]
    return {
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "num_keypoints": sum(flag > 0 for flag in flags),
        "keypoints": [
            n for (x, y, _), flag in zip(joints, flags, strict=True) for n in (x, y, flag)
        ],
        "score": person["score"],
        "keypoint_scores": [v for _, _, v in joints],
    }


def _as_person(entry: dict[str, Any], joints: list[str]) -> dict[str, Any]:
    x, y, width, height = entry["bbox"]
    flat = entry["keypoints"]
    places = zip(flat[::3], flat[1::3], entry["keypoint_scores"], strict=True)
    return {
        "box": shortest(np.array([x, y, x + width, y + height])),
        "score": entry["score"],
        "keypoints": dict(zip(joints, map(list, places), strict=True)),
    }
