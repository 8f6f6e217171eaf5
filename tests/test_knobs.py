"""No dead knob: a section's fields are the named arguments of what it feeds, with its choices."""

import inspect
from typing import get_args, get_type_hints

import pytest

from pose_activity.annotations.cleaning.parts import clean_parts
from pose_activity.annotations.skeleton import SKELETONS
from pose_activity.annotations.splitting import split
from pose_activity.backbones.lite_layout import LITES
from pose_activity.backbones.registry import MODELS
from pose_activity.cache import store
from pose_activity.cache.options import PersonView, PlaneOptions
from pose_activity.cache.people import POLICIES
from pose_activity.cache.planes import CHANNELS
from pose_activity.configs.clips import (
    Sequence,
    Track,
)
from pose_activity.configs.parts import CleanParts
from pose_activity.configs.pictures import (
    Cache,
    Stage1,
    Stage2,
)
from pose_activity.configs.pose_model import PoseModel
from pose_activity.configs.sections import Split
from pose_activity.stage1_pose import track, track_video
from pose_activity.stage2_classifier.frozen import fit as frozen_fit
from pose_activity.stage2_classifier.frozen.layout import POOLINGS
from pose_activity.stage2_classifier.options import MONITORS, FrozenHead, MonitorName


def keywords(function: object) -> dict[str, object]:
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


CASES = [
    (Split, keywords(split.split), {"seed", "together"}),
    (
        CleanParts,
        keywords(clean_parts),
        {"folder", "root", "unread", "cases_per_rule", "threads"},
    ),
]


@pytest.mark.parametrize(("section", "arguments", "others"), CASES)
def test_fields_are_arguments(section: type, arguments: dict, others: set[str]) -> None:
    assert set(section.model_fields) == set(arguments) - others - {"on_progress"}


@pytest.mark.parametrize(("section", "arguments", "others"), CASES)
def test_defaults_agree(section: type, arguments: dict, others: set[str]) -> None:
    for name in section.model_fields:
        if arguments[name] is not inspect.Parameter.empty:
            assert section.model_fields[name].default == arguments[name], name


def test_choices_are_those_of_the_rooms() -> None:
    planes = get_type_hints(PlaneOptions)
    assert {*get_args(planes["people"])} == {*POLICIES, "each"}
    person = get_type_hints(PersonView)
    assert {*get_args(planes["people"])} - {*get_args(person["people"])} == {
        *("centre_and_farthest", "all", "each")  # who are not one
    }
    for section in (planes, person):
        assert {*get_args(get_args(section["planes"])[0])} == {*CHANNELS}
    for section in (Cache, Sequence):
        tensors = get_type_hints(section)["tensors"]
        assert {*get_args(tensors)} == {*store.STORES}
        assert section.tensors == keywords(store.build)["tensors"]
    assert {*get_args(get_type_hints(Track)["policy"])} == {*track.POLICIES}
    assert Track.policy == keywords(track_video.clip_of_video)["policy"]
    assert set(get_args(Stage1.model_fields["skeleton"].annotation)) == set(SKELETONS)
    assert set(get_args(PoseModel.model_fields["skeleton"].annotation)) == set(SKELETONS)
    assert [*get_args(MonitorName)] == [*MONITORS]
    assert {*get_args(get_type_hints(Stage2)["model"])} == {*MODELS}


def test_a_frozen_head() -> None:
    asked, taken = get_type_hints(FrozenHead), keywords(frozen_fit.fit)
    assert {*get_args(get_args(asked["pooling"])[0])} == {*POOLINGS}
    assert {*get_args(get_args(asked["also"])[0])} == {*LITES}
    assert {*asked} - {"also", "pooling", "mirror"} == {*taken} - {
        *("classes", "mirrored", "groups", "joints", "seed", "threads", "on_progress")
    }
    assert (FrozenHead.C, FrozenHead.folds) == (taken["C"], taken["folds"])
