"""What the networks of body parts score on photos and people that they did not learn from.

    python benchmarks/parts.py [--data $POSE_ACTIVITY_DATA] [--only freiburg]

DATA holds `parts/` (pascal_person_part, freiburg_sitting, people3d_panels, bodypix) and
`weights/yolov8n-pose.pt`. Rows of training:

    pascal    own split of the photos (1,236 / 180 / 300), 7 classes, 15 learned
    freiburg  15 classes, each person held out once, from pascal's weights; merged to 9
    panels    walk_backwards learned, jump_forward scored, 9 classes, from pascal's weights
    hpnet     the published network on the same panels, from nothing

and of none: `bones` (drawn from joints) and `bodypix` (its graph as it is). What is finished is
kept: the command continues where it was stopped. Keys of the file are `pascal7`, `freiburg9`,
`freiburg15`, `panels9`, each with `miou`, `miou_without_background`, `body_recall` and `spread`:
width of mIoU's 95 % interval over images; freiburg: the best person's minus the worst's. `minutes`
are those of the clock in training, `cpu_minutes` those of the processor.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from rich.console import Console

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.sequences import merge, read  # noqa: E402
from pose_activity.annotations.images import load_rgb  # noqa: E402
from pose_activity.annotations.parts import (  # noqa: E402
    PARTS9,
    PARTS15,
    PASCAL7,
    PartScheme,
    merge_probabilities,
)
from pose_activity.annotations.parts import merge as merge_ids  # noqa: E402
from pose_activity.annotations.skeleton import COCO17  # noqa: E402
from pose_activity.annotations.types import Masks, Poses  # noqa: E402
from pose_activity.artifacts import manifest  # noqa: E402
from pose_activity.cache import poses as kept_poses  # noqa: E402
from pose_activity.cache import store  # noqa: E402
from pose_activity.cache.bones import draw_parts  # noqa: E402
from pose_activity.cache.parts import PartsRecipe, make_example, make_input, to_image  # noqa: E402
from pose_activity.cache.planes import PoseModelId  # noqa: E402
from pose_activity.cache.record import WHOLE, Arrays, Entry, key_of  # noqa: E402
from pose_activity.stage1_parts import predict, scores, untrained  # noqa: E402
from pose_activity.stage1_parts.options import PartsAugment  # noqa: E402

THREADS = 2
_PERSON = 0.5  # score from which a person's bones are drawn
BODYPIX = "bodypix/bodypix_mobilenet050_stride16.onnx"
say = Console().print


@dataclass(frozen=True)
class Photo:
    """A `cache.store.Drawable`: an image, its mask, and who is in it."""

    image: Path
    scheme: PartScheme
    split: str
    poses: Poses

    @property
    def entry(self) -> Entry:
        """See `Drawable`."""
        return Entry(key_of(self.image), self.image, None, self.split, WHOLE, sha256="")

    @property
    def made_from(self) -> str:
        """See `Drawable`."""
        found = self.poses.keypoints.tobytes().hex()
        return manifest.sha256_json(
            [manifest.sha256_file(p) for p in (self.image, self.mask)] + [found]
        )

    @property
    def mask(self) -> Path:
        """The file of class numbers."""
        return self.image.parent.parent / "masks" / f"{self.image.stem}.png"

    @property
    def pixels(self) -> np.ndarray:
        """`(h, w, 3)` uint8 RGB."""
        return load_rgb(self.image)

    @property
    def truth(self) -> np.ndarray:
        """`(h, w)` uint8."""
        return np.asarray(cv2.imread(str(self.mask), cv2.IMREAD_UNCHANGED))

    def draw(self, recipe: PartsRecipe) -> Arrays:
        """See `Drawable`."""
        return make_example(self.pixels, self.poses, Masks(self.truth, self.scheme), recipe)


@dataclass(frozen=True)
class Training:
    """One training of a row.

    Attributes:
        folder: Its name in the work folder.
        photos: With their splits; "test" is scored.
        size: (width, height) of its tensors.
        options: Of `stage1_parts.fit.fit`.
        start: The folder whose weights it starts from, or None.
    """

    folder: str
    photos: list[Photo]
    size: tuple[int, int]
    options: dict[str, Any]
    start: str | None = None
    scheme: PartScheme = PARTS15
    planes: tuple[Any, ...] = ("rgb", "bones")


class Bench:
    """All rows, on one folder of data."""

    def __init__(self, data: Path, work: Path) -> None:
        self.parts, self.weights = data / "parts", data / "weights" / "yolov8n-pose.pt"
        self.work = work
        self.pose = PoseModelId()

    def photos(self, name: str, scheme: PartScheme, split_of: Callable[[str], str]) -> list[Photo]:
        """Lists a data set's photos, with the people that stage 1 finds."""
        images = sorted((self.parts / name / "images").iterdir())
        found = self._poses(images)
        return [Photo(path, scheme, split_of(path.stem), found[path]) for path in images]

    def _poses(self, images: list[Path]) -> dict[Path, Poses]:
        from pose_activity.stage1_pose import kept_graph
        from pose_activity.stage1_pose import predict as stage1

        place = kept_graph.place_of(self.weights, size=640, skeleton="coco17")
        if not place.exists():
            from pose_activity.stage1_pose.export import export

            export(self.weights, place, size=640, skeleton=COCO17, images=images[:8])
        model = stage1.load(place, threads=THREADS)
        self.pose = PoseModelId(sha256=model.sha256)
        path = self.work / kept_poses.FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        source = {"sha256": model.sha256, "size": model.size}
        return kept_poses.find(path, images, model, source=source).poses

    def train(self, training: Training) -> tuple[predict.PartsNetwork, dict[str, float]]:
        """Trains and exports, unless that was done; returns the network and what it took."""
        out = self.work / training.folder / "stage2"
        took = self.work / training.folder / "took.json"
        if not (out / predict.SIDECAR).exists():
            self._train(training, out, took)
        return predict.load(out, engine="onnxruntime", threads=THREADS), read(took)

    def _train(self, training: Training, out: Path, took: Path) -> None:
        from pose_activity.stage1_parts.export import export
        from pose_activity.stage1_parts.fit import fit

        width, height = training.size
        labelled = {photo.scheme for photo in training.photos} - {training.scheme}
        recipe = PartsRecipe(
            planes=training.planes,
            width=width,
            height=height,
            scheme=training.scheme,
            labelled=tuple(labelled),
            pose=self.pose,
        )
        learned = [photo for photo in training.photos if photo.split != "test"]
        inputs = {"photos": manifest.sha256_json([photo.made_from for photo in learned])}
        cache, _ = store.build(
            self.work / training.folder / "cache",
            learned,
            recipe=recipe,
            classes=training.scheme.names,
            inputs=inputs,
        )
        started, used = time.monotonic(), time.process_time()
        start = None
        if training.start:
            start = self.work / training.start / "stage2" / "classifier.keras"
        history = fit(
            cache,
            out,
            **training.options,
            start=start,
            threads=THREADS,
            augment=PartsAugment(),
            on_progress=_tell,
        )
        minutes = {
            "minutes": round((time.monotonic() - started) / 60, 1),
            "cpu_minutes": round((time.process_time() - used) / 60, 1),
            "epochs": len(history.epochs),
        }
        curve = [{n: round(v, 4) for n, v in one.metrics.items()} for one in history.epochs]
        merge(took, {**minutes, "curve": curve})
        held_out = [cache.load(entry) for entry in cache.of_split("val")]
        export(
            out,
            recipe=recipe,
            tensors=np.stack([example.x for example in held_out[:4]]),
            validation=[(example.x, np.asarray(example.y)) for example in held_out],
            mirror=True,
            threads=THREADS,
        )


def _tell(done: int, total: int, text: str) -> None:
    if done % 25 == 0:
        say(f"{time.strftime('%H:%M:%S')} {done}/{total} {text}")


def answers(network: predict.PartsNetwork, photos: list[Photo], scheme: PartScheme) -> list[Any]:
    """Returns true and predicted mask of each photo, merged to `scheme`."""
    found = []
    for photo in photos:
        x = make_input(photo.pixels, photo.poses, network.recipe)
        answer = network(x[None])[0] * network.weights
        merged = merge_probabilities(answer, network.recipe.scheme, scheme)
        size_wh = photo.truth.shape[::-1]
        said, _ = to_image(merged, (size_wh[0], size_wh[1]), network.recipe)
        found.append((_merged(photo, scheme), said))
    return found


def _merged(photo: Photo, scheme: PartScheme) -> np.ndarray:
    return merge_ids(photo.truth, photo.scheme, scheme)


def by_bones(photo: Photo) -> np.ndarray:
    """Returns `(h, w)` uint8 of the tree: parts drawn from joints."""
    sure = photo.poses.keypoints[photo.poses.scores >= _PERSON]
    return draw_parts(sure, photo.poses.skeleton, photo.truth.shape)


def without_training(
    photos: list[Photo], scheme: PartScheme, find: Callable[[Photo], np.ndarray]
) -> list[Any]:
    """Returns true and drawn mask of each photo, merged to `scheme`."""
    return [(_merged(photo, scheme), merge_ids(find(photo), PARTS15, scheme)) for photo in photos]


def figures(report: scores.PartsReport) -> dict[str, Any]:
    """Returns what a row says of a report."""
    low, high = report.intervals["miou"]
    rounded = {
        name: None if value is None else round(value, 4)
        for name, value in (
            ("miou", report.miou),
            ("miou_without_background", report.miou_without_background),
            ("body_recall", report.body_recall),
            ("spread", high - low),
            ("pixel_accuracy", report.pixel_accuracy),
            ("boundary_f", report.boundary_f),
            ("sides_right", report.sides_right),
        )
    }
    iou = {n: v and round(v, 3) for n, v in zip(report.classes, report.iou, strict=True)}
    return {**rounded, "interval": [round(low, 4), round(high, 4)], "iou": iou}


def milliseconds(network: predict.PartsNetwork) -> float:
    """Returns the median time of a picture, in ms."""
    x = np.zeros((1, *network.recipe.shape), np.float32)
    times = []
    for _ in range(30):
        started = time.perf_counter()
        network.graph(x)
        times.append(time.perf_counter() - started)
    return round(1e3 * float(np.median(times)), 1)


def pascal_photos(bench: Bench) -> list[Photo]:
    """Returns PASCAL's photos in a split of their own."""
    names = sorted(path.stem for path in (bench.parts / "pascal_person_part/images").iterdir())
    np.random.default_rng(0).shuffle(names)
    split = dict.fromkeys(names, "train")
    split |= dict.fromkeys(names[:300], "test") | dict.fromkeys(names[300:480], "val")
    return bench.photos("pascal_person_part", PASCAL7, split.__getitem__)


def pascal(bench: Bench, epochs: int) -> dict[str, Any]:
    """Trains on PASCAL-Person-Part, from BodyPix' weights."""
    photos = pascal_photos(bench)
    options = {
        "model": "bodypix",
        "weights": str(bench.parts / BODYPIX),
        "held_blocks": 6,
        "epochs": epochs,
    }
    network, took = bench.train(Training("pascal", photos, (320, 320), options))
    tested = [photo for photo in photos if photo.split == "test"]
    report = scores.evaluate(answers(network, tested, PASCAL7), PASCAL7)
    return {"pascal7": {**figures(report), **took, "ms_320x320_mirrored": milliseconds(network)}}


def freiburg(bench: Bench, epochs: int) -> dict[str, Any]:
    """Trains on three of Freiburg's people, four times, and scores the fourth."""
    found: dict[str, list[Any]] = {"freiburg9": [], "freiburg15": []}
    by_person: dict[str, dict[str, float]] = {"freiburg9": {}, "freiburg15": {}}
    took = {}
    for person in ("black", "blue", "green", "orange"):
        numbers = iter(range(1000))

        def split_of(name: str, person: str = person, numbers: Any = numbers) -> str:
            if name.startswith(f"{person}_"):
                return "test"
            return "val" if next(numbers) % 10 == 9 else "train"

        photos = bench.photos("freiburg_sitting", PARTS15, split_of)
        options = {"model": "bodypix", "weights": "none", "epochs": epochs, "learning_rate": 1e-3}
        training = Training(f"freiburg_{person}", photos, (320, 320), options, start="pascal")
        network, took[person] = bench.train(training)
        tested = [photo for photo in photos if photo.split == "test"]
        for key, scheme in (("freiburg9", PARTS9), ("freiburg15", PARTS15)):
            pairs = answers(network, tested, scheme)
            by_person[key][person] = round(scores.evaluate(pairs, scheme).miou, 4)
            found[key] += pairs
    rows = {}
    for key, scheme in (("freiburg9", PARTS9), ("freiburg15", PARTS15)):
        people = by_person[key]
        spread = round(max(people.values()) - min(people.values()), 4)
        row = figures(scores.evaluate(found[key], scheme))
        rows[key] = {**row, "spread": spread, "by_person": people}
        for name in ("minutes", "cpu_minutes"):
            rows[key][name] = round(sum(each[name] for each in took.values()), 1)
    return rows


def panel_photos(bench: Bench) -> list[Photo]:
    """Returns the rendered panels: one clip to learn from, the other one to score."""
    numbers = iter(range(1000))

    def split_of(name: str) -> str:
        if "jump_forward" in name:
            return "test"
        return "val" if next(numbers) % 10 == 9 else "train"

    return bench.photos("people3d_panels", PARTS9, split_of)


def panels(bench: Bench, epochs: int) -> dict[str, Any]:
    """Trains on rendered people."""
    photos = panel_photos(bench)
    options = {"model": "bodypix", "weights": "none", "epochs": epochs, "learning_rate": 1e-3}
    training = Training("panels", photos, (320, 224), options, start="pascal")
    return {"panels9": _score_panels(bench, training)}


def hpnet(bench: Bench, epochs: int) -> dict[str, Any]:
    """Trains the published network on the same rendered people, from nothing."""
    options = {
        "model": "hpnet",
        "weights": "none",
        "epochs": epochs,
        "batch": 6,
        "learning_rate": 1e-3,
        "ema": 0.0,
        "weight_decay": 0.0,
    }
    training = Training(
        "hpnet", panel_photos(bench), (160, 120), options, scheme=PARTS9, planes=("rgb",)
    )
    return {"panels9_hpnet": _score_panels(bench, training)}


def _score_panels(bench: Bench, training: Training) -> dict[str, Any]:
    network, took = bench.train(training)
    tested = [photo for photo in training.photos if photo.split == "test"]
    report = scores.evaluate(answers(network, tested, PARTS9), PARTS9)
    return {**figures(report), **took}


def references(bench: Bench, epochs: int) -> dict[str, Any]:
    """Scores what needs no training, on the photos that the others are scored on."""
    model = untrained.BodyPix(bench.parts / BODYPIX, threads=THREADS)

    def by_bodypix(photo: Photo) -> np.ndarray:
        return untrained.ids_of(model(photo.pixels))

    everybody = bench.photos("freiburg_sitting", PARTS15, lambda name: "test")
    sets = {
        "pascal7": (pascal_photos(bench), PASCAL7),
        "freiburg9": (everybody, PARTS9),
        "freiburg15": (everybody, PARTS15),
        "panels9": (panel_photos(bench), PARTS9),
    }
    rows = {}
    for key, (photos, scheme) in sets.items():
        tested = [photo for photo in photos if photo.split == "test"]
        for name, find in (("bones", by_bones), ("bodypix", by_bodypix)):
            pairs = without_training(tested, scheme, find)
            rows[f"{key}_{name}"] = figures(scores.evaluate(pairs, scheme))
    return rows


ROWS = {
    "references": (references, 0),
    "pascal": (pascal, 22),
    "freiburg": (freiburg, 20),
    "panels": (panels, 20),
    "hpnet": (hpnet, 30),
}


def main(
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, envvar="POSE_ACTIVITY_DATA")],
    only: Annotated[list[str] | None, typer.Option(help=f"Some of: {', '.join(ROWS)}.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="In place of a row's own.")] = None,
    work: Annotated[Path, typer.Option(help="Where the trainings are.")] = Path("runs/bench_parts"),
    out: Annotated[Path, typer.Option()] = HERE / "results" / "parts.json",
) -> None:
    """Measures, and writes the figures beside those that are there."""
    unknown = sorted({*(only or ())} - {*ROWS})
    if unknown:
        raise typer.BadParameter(f"--only takes some of {[*ROWS]}. Received: {unknown}")
    read(out)  # a file that cannot be added to is refused now, not after the work
    bench = Bench(data, work)
    for name in only or ROWS:
        measure, usual = ROWS[name]
        rows = partial(measure, bench)(epochs or usual)
        merge(out, rows)
        for key, row in rows.items():
            say(key, {n: v for n, v in row.items() if n != "curve"})


if __name__ == "__main__":
    typer.run(main)
