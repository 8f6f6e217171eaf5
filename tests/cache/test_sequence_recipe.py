"""A recipe of clips: what it says of its tensors, and what it refuses."""

import json

import pytest

from pose_activity.annotations.skeleton import JHMDB15, custom_skeleton
from pose_activity.cache.planes import PoseModelId
from pose_activity.cache.sequence_recipe import SequenceRecipe

DOG = custom_skeleton("dog", ["nose", "left_paw", "right_paw"], [])


@pytest.mark.parametrize(
    "recipe",
    [
        SequenceRecipe(),
        SequenceRecipe(kind="maps", windows="sliding", rate=30.0, pose=PoseModelId("abc", 320)),
        SequenceRecipe(channels=("x", "y", "confidence", "valid"), skeleton=DOG.as_text()),
    ],
)
def test_json_goes_both_ways(recipe: SequenceRecipe) -> None:
    assert SequenceRecipe.from_json(json.loads(json.dumps(recipe.as_json()))) == recipe


def test_a_recipe_of_an_older_version() -> None:
    recipe = SequenceRecipe(short="error")
    assert SequenceRecipe.from_json(recipe.as_json() | {"short": "refuse"}) == recipe


def test_shape_and_dtype() -> None:
    assert SequenceRecipe().shape == (50, 18, 3) and SequenceRecipe().dtype == "float32"
    both = SequenceRecipe(skeleton="jhmdb15", frames=32, channels=("x", "y", "confidence", "valid"))
    assert both.shape == (32, 15, 4) and both.body == JHMDB15
    maps = SequenceRecipe(kind="maps", frames=7, width=20, height=30, skeleton=DOG.as_text())
    assert maps.shape == (7, 30, 20, 3) and maps.dtype == "uint8" and maps.body == DOG


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "video"}, r"kind must be one of \['joints', 'maps'\]. Received: 'video'"),
        ({"windows": "all"}, "windows must be one of .*'whole'.*Received: 'all'"),
        ({"short": "drop"}, "short must be one of .*'error'"),
        ({"gaps": None}, "gaps must be one of .*'zero'.*Received: None"),
        ({"centre": "neck"}, "centre must be one of"),
        ({"scale": 2}, "scale must be one of"),
        ({"channels": ("x", "y")}, r"channels must be one of .*'valid'.*Received: \('x', 'y'\)"),
        ({"frames": 0}, "frames must be at least 1. Received: 0"),
        ({"stride": -1}, "stride must be at least 1. Received: -1"),
        ({"height": 0}, "height must be at least 1"),
        ({"rate": 0.0}, "rate must be above 0. Received: 0.0"),
        ({"sigma": float("nan")}, "sigma must be above 0. Received: nan"),
        ({"margin": -0.1}, "margin must be at least 0. Received: -0.1"),
        ({"min_confidence": 1.5}, r"min_confidence must lie in \[0, 1\]. Received: 1.5"),
        ({"windows": "whole", "rate": 25.0}, "rate must be null where windows is 'whole'.*25.0"),
        ({"skeleton": "coco18"}, "A skeleton is one of .*'openpose18'.*Received: 'coco18'"),
    ],
)
def test_what_means_nothing_is_refused(wrong: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SequenceRecipe(**wrong)
