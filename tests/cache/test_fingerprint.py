"""A change of what draws is seen, and a change of the machine is none."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pose_activity.artifacts import manifest
from pose_activity.cache import fingerprint, framing, heatmap, interpolate, people, planes, sequence
from pose_activity.cache.fingerprint import FingerprintError
from pose_activity.cache.options import PersonView, Style
from pose_activity.cache.planes import PoseModelId, Recipe
from pose_activity.cache.sequence_recipe import SequenceRecipe

SMALL = Recipe(width=64, height=48)
LETTERBOX = replace(SMALL, resize="letterbox")
CROP = replace(SMALL, people="each")
MASK = replace(CROP, person="mask")
GAUSSIAN = replace(SMALL, heatmap=Style(style="gaussian"))
VIEW = PersonView(("rgb", "heatmap"), size=48)
TWO = replace(SMALL, person_view=VIEW)
JOINTS, MAPS = SequenceRecipe(frames=8), SequenceRecipe(frames=8, kind="maps")
RECIPES = {
    "small": SMALL,
    "odd": replace(SMALL, width=51, height=37),
    "letterbox": LETTERBOX,
    "crop": CROP,
    "mask": MASK,
    "gaussian": GAUSSIAN,
    "rgb": replace(SMALL, planes=("rgb",)),
    "a pixel": Recipe(width=1, height=1),
    "two views": TWO,
    "an odd view": replace(SMALL, person_view=PersonView(size=37)),
    "a view of a pixel": replace(SMALL, person_view=PersonView(size=1)),
    "a wider view": replace(SMALL, person_view=replace(VIEW, margin=0.3)),
    "joints beside it": replace(SMALL, person_view=replace(VIEW, joints=True)),
    "another person's view": replace(SMALL, person_view=replace(VIEW, people="top_score")),
    "joints": JOINTS,
    "maps": MAPS,
    "resampled": replace(JOINTS, rate=3.7, short="error"),
    "whole": replace(JOINTS, windows="whole", gaps="zero", scale="frame", centre="clip"),
}


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """What a process has found once it does not ask again."""
    fingerprint._digest.cache_clear()
    yield
    fingerprint._digest.cache_clear()


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_every_machine_finds_the_same(recipe: Recipe | SequenceRecipe) -> None:
    """OpenCV's own vector code, and how many threads it has, change other pictures by a level."""
    threads, found = cv2.getNumThreads(), fingerprint.of(recipe)
    try:
        for optimised, count in ((False, threads), (True, 1), (True, 7)):
            fingerprint._digest.cache_clear()
            cv2.setUseOptimized(optimised)
            cv2.setNumThreads(count)
            assert fingerprint.of(recipe) == found
    finally:
        cv2.setUseOptimized(True)
        cv2.setNumThreads(threads)


def test_recipes_differ() -> None:
    found = {fingerprint.of(recipe) for recipe in RECIPES.values()}
    assert len(found) == len(RECIPES)
    wider = replace(SMALL, heatmap=Style(bone_width=5))
    assert fingerprint.of(wider) not in found


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("small", "e8ffdc97edf7"),
        ("odd", "e6d2a89c3597"),
        ("letterbox", "989685e7c268"),
        ("crop", "0fcb2fd770b6"),
        ("mask", "5df4c0461f6a"),
        ("gaussian", "a0cb285f0c27"),
        ("rgb", "2d4658d2fde1"),
    ],
)
def test_models_of_before_there_were_views_draw_as_they_did(name: str, first: str) -> None:
    """Written down with OpenCV 5.0.0; a version that draws otherwise changes them with reason."""
    assert fingerprint.of(RECIPES[name]).startswith(first)


def test_other_weights_draw_the_same() -> None:
    assert fingerprint.of(replace(SMALL, pose=PoseModelId(sha256="0", confidence=0.7))) == (
        fingerprint.of(SMALL)
    )


def with_argument(function: Callable, index: int, value: object) -> Callable:
    """Returns a function that is called with another argument at a place."""

    def call(*arguments: Any, **named: Any) -> Any:
        return function(*arguments[:index], value, *arguments[index + 1 :], **named)

    return call


JOINT_MAPS = sequence.joint_maps
CHANGES = {
    "lines without steps": (SMALL, cv2, "line", with_argument(cv2.line, 5, cv2.LINE_AA)),
    "larger joints": (SMALL, cv2, "circle", with_argument(cv2.circle, 2, 5 << 4)),
    "finer places": (SMALL, heatmap, "_SHIFT", 5),
    "no mean over pixels": (SMALL, cv2, "INTER_AREA", cv2.INTER_LINEAR),
    "another enlargement": (SMALL, cv2, "INTER_LINEAR", cv2.INTER_CUBIC),
    "another grey": (LETTERBOX, framing, "PAD", 113),
    "another grey around a person": (MASK, planes, "PAD", 113),
    "a part cut otherwise": (CROP, framing.np, "floor", np.ceil),
    "blobs cut earlier": (GAUSSIAN, heatmap, "_REACH", 2),
    "someone else": (SMALL, people, "_middles", lambda poses: -poses.boxes[:, :2]),
    "another grey around a view": (TWO, framing, "PAD", 113),
    "a square cut otherwise": (TWO, framing, "round", lambda number: int(number + 0.999)),
    "someone less prominent": (TWO, people, "_areas", lambda poses: np.ones(len(poses.boxes))),
    "gaps filled otherwise": (JOINTS, interpolate, "fill", lambda joints, *_: joints * 1),
    "maps of another width": (
        MAPS,
        sequence,
        "joint_maps",
        lambda *given, sigma: np.square(JOINT_MAPS(*given, sigma=sigma)),
    ),
}


@pytest.mark.parametrize(("recipe", "room", "name", "other"), CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_code_is_seen(
    recipe: Recipe | SequenceRecipe,
    room: Any,
    name: str,
    other: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = fingerprint.of(recipe)
    fingerprint._digest.cache_clear()
    monkeypatch.setattr(room, name, other, raising=name != "round")
    assert fingerprint.of(recipe) != before


@pytest.mark.parametrize("recipe", [SMALL, JOINTS])
def test_only_what_is_made_as_in_training_is_used(recipe: Recipe | SequenceRecipe) -> None:
    signed = replace(recipe, fingerprint=fingerprint.of(recipe))
    assert type(recipe).from_json(signed.as_json()) == signed
    assert fingerprint.require(signed) is None
    with pytest.raises(FingerprintError, match="0123456789ab in training. OpenCV") as caught:
        fingerprint.require(replace(recipe, fingerprint="0123456789abcdef"))
    assert signed.fingerprint[:12] in str(caught.value)
    assert "make the steps cache and stage2 again" in str(caught.value)


def test_an_older_recipe_is_told_of(tmp_path: Path) -> None:
    older = {name: value for name, value in SMALL.as_json().items() if name != "fingerprint"}
    assert SMALL.as_json() == older and Recipe.from_json(older) == SMALL
    assert "was not checked" in str(fingerprint.require(SMALL))


def test_an_older_cache_is_not_made_again_for_that(tmp_path: Path) -> None:
    signed = fingerprint.sign(SMALL, tmp_path)
    assert signed.fingerprint == fingerprint.of(SMALL)
    manifest.write(tmp_path, recipe=signed.as_json(), inputs={})
    assert fingerprint.sign(SMALL, tmp_path) == signed
    manifest.write(tmp_path, recipe=SMALL.as_json(), inputs={})
    assert fingerprint.sign(SMALL, tmp_path) == SMALL
