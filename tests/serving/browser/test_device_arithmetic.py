"""What the page calculates around the graphs, beside the Python that it must equal."""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pose_activity.annotations.faces import find_faces
from pose_activity.annotations.skeleton import COCO17, MPII16, Skeleton
from pose_activity.annotations.synthetic import parts
from pose_activity.annotations.types import Poses
from pose_activity.cache import framing, heatmap
from pose_activity.cache.options import PersonView, Style
from pose_activity.cache.people import POLICIES
from pose_activity.cache.planes import Recipe, make_arrays
from pose_activity.inference.smoothing import TrailingMean
from pose_activity.runtime import calibrate
from pose_activity.stage1_pose import predict
from tests.serving.running import Running

SKELETON = {"joints": COCO17.joints, "bones": COCO17.bones, "pairs": COCO17.pairs}
BONES = [list(bone) for bone in COCO17.bone_index]
PLAIN = Recipe(("rgb",), width=96, height=64)
DRAWN = Recipe(("rgb", "heatmap"), width=160, height=120, heatmap=Style(bone_width=3))
VIEW = PersonView(("heatmap", "rgb"), size=64, heatmap=Style(bone_width=2, joint_radius=2))
RECIPES = {
    "stretched": PLAIN,
    "larger": replace(PLAIN, width=300, height=250),
    "letterboxed": replace(DRAWN, resize="letterbox", heatmap=Style("gaussian", sigma=2.5)),
    **{f"drawn {policy}": replace(DRAWN, people=policy) for policy in POLICIES},
    **{f"seen {p}": replace(PLAIN, person_view=replace(VIEW, people=p)) for p in ("largest",)},
    "wide": replace(PLAIN, person_view=replace(VIEW, margin=2.0)),
    "with joints": replace(PLAIN, person_view=replace(VIEW, joints=True)),
}


@pytest.fixture(scope="module")
def page(browser: Any, colours: Running) -> Iterator[Any]:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(colours.url)
        yield page


def call(page: Any, module: str, code: str, *given: Any) -> Any:
    """Returns what an expression over a module `m` and `given` is; arrays become lists.

    All travels as one text of JSON: the driver takes seconds for a long list.
    """
    program = f"""async (given) => {{
        const m = await import("/page/device/{module}.js");
        const bytes = (text) => Uint8ClampedArray.from(atob(text), (c) => c.charCodeAt(0));
        const opened = (key, value) => key === "data" ? bytes(value) : value;
        const plain = (key, value) => ArrayBuffer.isView(value) ? [...value] : value;
        given = JSON.parse(given, opened);
        return JSON.stringify(await ({code}), plain);
    }}"""
    return json.loads(page.evaluate(program, json.dumps(given, default=lambda v: v.tolist())))


def picture(image: np.ndarray) -> dict[str, Any]:
    """An image as the page holds it."""
    data = b64encode(image.tobytes()).decode()
    return {"data": data, "width": image.shape[1], "height": image.shape[0]}


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return parts.draw((211, 157), np.random.default_rng(3))[0]


def people(size: tuple[int, int], count: int = 5) -> Poses:
    """People of random joints, some missing, some outside the picture."""
    rng = np.random.default_rng(count)
    low = rng.uniform(-20, 80, (count, 2))
    boxes = np.hstack([low, low + rng.uniform(10, 120, (count, 2))]).astype(np.float32)
    keypoints = rng.uniform(-30, 230, (count, 17, 3)).astype(np.float32)
    keypoints[..., 2] = rng.uniform(0, 1, (count, 17))
    keypoints[rng.random((count, 17)) < 0.2] = 0
    scores = np.sort(rng.uniform(0.3, 1, count))[::-1].astype(np.float32)
    return Poses(Path("x"), size, COCO17, boxes, scores, keypoints)


def as_given(poses: Poses) -> dict[str, Any]:
    return {"boxes": poses.boxes, "scores": poses.scores, "keypoints": poses.keypoints}


def test_lines_and_discs_are_opencvs(page: Any) -> None:
    rng = np.random.default_rng(0)
    shapes, expected = [], []
    for number in range(400):
        plane = np.zeros((61, 97), np.uint8)
        far = 4_000 if number % 2 else 1_500
        a, b = rng.integers(-far // 2, far, (2, 2)).tolist()
        width, radius = 2 + number % 6, number % 17
        cv2.line(plane, a, b, 190, width, cv2.LINE_8, 4)
        cv2.circle(plane, b, radius << 4, 250, cv2.FILLED, cv2.LINE_8, 4)
        shapes.append((a, b, width, radius))
        expected.append(plane.ravel())
    found = call(
        page,
        "raster",
        """given[0].map(([a, b, width, radius]) => {
            const plane = {data: new Uint8ClampedArray(61 * 97), width: 97, height: 61};
            m.line(plane, a, b, 190, width);
            m.disc(plane, b, radius, 250);
            return plane.data;
        })""",
        shapes,
    )
    wrong = [shapes[i] for i in range(400) if not np.array_equal(found[i], expected[i])]
    assert not wrong, f"{len(wrong)} differ: {wrong[:3]}"


@pytest.mark.parametrize("style", [Style(), Style(bone_width=2, joint_radius=2), Style("gaussian")])
def test_heatmaps_are_pythons(page: Any, style: Style) -> None:
    poses = people((200, 150))
    expected = heatmap.draw(poses.keypoints, COCO17, (150, 200), style)
    code = "m.draw(given[0], given[1], 200, 150, given[2])"
    found = np.reshape(call(page, "heatmap", code, poses.keypoints, BONES, vars(style)), (150, 200))
    assert expected.any()
    assert np.abs(found - expected.astype(int)).max() <= (style.style == "gaussian")


@pytest.mark.parametrize("size", [(100, 75), (53, 130), (211, 300), (422, 157), (640, 480), (1, 1)])
def test_pictures_are_resized_as_by_opencv(
    page: Any, image: np.ndarray, size: tuple[int, int]
) -> None:
    expected = framing.resize(image, size, "stretch")[0]
    found = call(page, "pixels", "m.resize(given[0], ...given[1]).data", picture(image), size)
    assert np.abs(np.reshape(found, expected.shape) - expected.astype(int)).max() <= 1


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("count", [0, 1, 5])
def test_planes_are_those_of_training(page: Any, image: np.ndarray, name: str, count: int) -> None:
    recipe = RECIPES[name]
    poses = people((211, 157), count)
    _compare(page, image, poses, recipe, None)


@pytest.mark.parametrize("way", ["crop", "mask"])
def test_planes_of_each_person_are_those_of_training(
    page: Any, image: np.ndarray, way: Any
) -> None:
    for person in range(5):
        _compare(page, image, people((211, 157)), replace(DRAWN, people="each", person=way), person)


def _compare(
    page: Any, image: np.ndarray, poses: Poses, recipe: Recipe, person: int | None
) -> None:
    expected = make_arrays(image, poses, recipe, person)
    code = "m.makeArrays(...given)"
    given = (picture(image), as_given(poses), recipe.as_json(), SKELETON, person)
    found = call(page, "planes", code, *given)
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        far = np.abs(np.reshape(found[key], array.shape) - array.astype(float))
        most = 1 if array.dtype == np.uint8 else 1e-4  # a grey level, or what float32 rounds
        assert far.max() <= most, f"{key}: {np.unravel_index(far.argmax(), far.shape)}"


@pytest.mark.parametrize("size", [64, 96, 320])
def test_the_letterbox_is_pythons(page: Any, image: np.ndarray, size: int) -> None:
    place = predict.letterbox((211, 157), size)
    expected = predict.to_input(image, place)
    code = "{place: given[1], values: m.toInput(given[0], given[1])}"
    known = call(page, "pose", "m.letterbox(211, 157, given[0])", size)
    found = call(page, "pose", f"({code})", picture(image), known)
    assert found["place"]["offset"] == [*place.offset]
    assert found["place"]["input"] == [*place.input_hw[::-1]]
    assert np.abs(np.reshape(found["values"], expected.shape) - expected).max() <= 1.001 / 255


def test_letterboxes_of_all_sizes_are_pythons(page: Any) -> None:
    sizes = [(w, h) for w in range(1, 700, 37) for h in (1, 31, 240, 300, 333, 640, 1201)]
    found = call(page, "pose", "given[0].map(([w, h]) => m.letterbox(w, h, 640))", sizes)
    for (w, h), place in zip(sizes, found, strict=True):
        expected = predict.letterbox((w, h), 640)
        assert place["inner"] == [*expected.inner_wh] and place["offset"] == [*expected.offset]
        assert place["input"] == [*expected.input_hw[::-1]]


def test_people_are_read_from_the_graphs_output_as_in_python(page: Any) -> None:
    rng = np.random.default_rng(5)
    raw = rng.uniform(0, 300, (56, 400)).astype(np.float32)
    raw[2:4] = rng.uniform(20, 200, (2, 400))
    raw[4] = np.round(rng.uniform(0, 1, 400), 2)  # with equal ones
    keep = {"confidence": 0.25, "iou": 0.3, "max_people": 20}
    place, size = predict.letterbox((211, 157), 320), (211, 157)
    boxes, scores, keypoints = predict.decode(raw, **keep)
    code = """m.find(given[0], () => ({data: Float32Array.from(given[1]), dims: [1, 56, 400]}),
        {size: 320, ...given[2]})"""
    found = call(page, "pose", code, picture(np.zeros((157, 211, 3), np.uint8)), raw.ravel(), keep)
    assert 3 < len(boxes) <= 20
    assert np.array_equal(np.float32(found["scores"]), scores)
    expected = predict.to_picture(boxes.reshape(-1, 2, 2), place, size).reshape(-1, 4)
    assert np.allclose(found["boxes"], expected, atol=1e-3)
    at = predict.to_picture(keypoints[..., :2], place, size)
    assert np.allclose(np.array(found["keypoints"])[..., :2], at, atol=1e-3)
    assert np.allclose(np.array(found["keypoints"])[..., 2], keypoints[..., 2])


@pytest.mark.parametrize("temperature", [1.0, 0.41, 3.0])
def test_probabilities_are_calibrated_as_in_python(page: Any, temperature: float) -> None:
    raw = np.random.default_rng(1).dirichlet(np.full(8, 0.3), 1).astype(np.float32)
    raw[0, 3] = 0
    found = call(page, "answers", "m.calibrate(...given)", raw[0], temperature)
    assert np.allclose(found, calibrate.apply(raw, temperature)[0], atol=1e-7)


def test_what_is_improbable_is_unknown(page: Any) -> None:
    about = {"classes": ["a", "b"], "unknown_below": 0.7}
    rows = call(
        page,
        "answers",
        "given[0].map((p) => m.rowOf(p, given[1]))",
        [[0.2, 0.8], [0.4, 0.6], None],
        about,
    )
    assert [row["activity"] for row in rows] == ["b", "unknown", None]
    assert [row["status"] for row in rows] == ["ok", "ok", "nobody"]


def test_answers_are_steadied_as_in_python(page: Any) -> None:
    rng = np.random.default_rng(2)
    seen = [
        (float(s), rng.dirichlet(np.ones(3)).astype(np.float32))
        for s in np.cumsum(rng.uniform(0.05, 0.6, 30))
    ]
    mean = TrailingMean(1.0)
    expected = [mean(Path("camera"), seconds, values) for seconds, values in seen]
    code = "((mean) => given[0].map(([s, p]) => mean.add(s, p)))(new m.TrailingMean(1))"
    assert np.allclose(call(page, "answers", code, seen), expected, atol=1e-6)


@pytest.mark.parametrize("skeleton", [COCO17, MPII16], ids=lambda s: s.name)
def test_faces_are_found_as_in_python(page: Any, skeleton: Skeleton) -> None:
    poses = people((211, 157), 12)
    keypoints = poses.keypoints[:, : len(skeleton)]
    keypoints[3, :, 2] = 0
    expected = list(find_faces(skeleton, keypoints, poses.boxes))
    found = call(
        page,
        "../faces",
        "m.findFaces(given[0].map((box, i) => ({box, joints: given[1][i]})), given[2])",
        *(poses.boxes, keypoints, skeleton.joints),
    )
    assert len(found) == 12 and [*found[3]][4] is False
    assert np.allclose(np.array(found, float), np.array(expected, float), atol=1e-3)


def test_the_gate_counts_what_was_lost(page: Any) -> None:
    joints = [[[10.0, 10, 0.9], [20, 20, 0.9], [0, 0, 0.1]]]
    moved = [[[11.0, 10, 0.9], [20, 20, 0.9], [9, 9, 0.1]]]
    about = {
        "gate": {"same_activity": 0.99, "joint_px_p95": 2},
        "sample": {"min_confidence": 0.25, "pictures": [{"activities": ["a"], "people": joints}]},
    }

    def judge(people: list[Any], activity: str = "a") -> dict[str, Any]:
        found = [{"people": {"keypoints": people}, "activities": [activity]}]
        return call(page, "gate", "m.judge(...given)", found, about)

    assert judge(moved) == {"same": 1, "moved": 1, "passes": True}
    assert not judge(moved, "b")["passes"]
    assert not judge([])["passes"]
    assert not judge([*moved, *moved])["passes"]
