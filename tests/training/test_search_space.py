"""The section `search` against the configuration's own schema: every mistake, before any trial."""

import re
from pathlib import Path

import pytest
from optuna.trial import FixedTrial

from pose_activity.artifacts import yaml_text
from pose_activity.configs.sections import ConfigError, Parameter
from pose_activity.training import kinds
from pose_activity.training.search_space import as_overrides, draw, load, section_of, values_of

BASE = {
    "run_dir": "runs/x",
    "data": {"format": "folder", "images": "photos"},
    "stage1": {"train": False},
    "cache": {"person_view": {"margin": 0.125}},
    "stage2": {"linear": {"C": 0.01}, "model": "efficientnet_b0"},
}


def config(folder: Path, space: object, **search: object) -> Path:
    path = folder / "x.yaml"
    path.write_text(yaml_text.dump(BASE | {"search": {"space": space, **search}}), encoding="utf-8")
    return path


def mistakes(path: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as error:
        load(path)
    return error.value.mistakes


def test_all_mistakes_come_at_once_with_the_nearest_key(tmp_path: Path) -> None:
    space = {
        "stage2.linear.Cc": {"low": 1e-4, "high": 1.0},
        "stage2.linear.folds": {"low": 0, "high": 5},
        "cache.person_view.margin": {"choices": [0.0, -1.0]},
        "stage2.model": {"choices": ["efficientnet_lite0", "resnet"]},
        "run_dir": {"choices": ["a", "b"]},
        "seed": {"choices": [0, 1]},
        "stage2.linear.C": {"low": 1e-4, "high": 1.0, "log": True},
    }
    found = "\n".join(mistakes(config(tmp_path, space)))
    for pattern in (
        r"stage2\.linear\.Cc: unknown key\. Did you mean 'C'\?",
        r"stage2\.linear\.folds: .*Received|stage2\.linear\.folds: ",
        r"cache\.person_view\.margin: ",
        r"stage2\.model: .*Received: 'resnet'",
        r"run_dir changes nothing that is trained",
        r"seed changes the step annotations, and so which pictures are in val",
    ):
        assert re.search(rf"search\.space: {pattern}", found), pattern
    assert len(found.splitlines()) == 6


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"low": 1}, "needs choices, or both low and high"),
        ({"low": 1, "high": 1}, "low must be below high. Received: 1 and 1"),
        ({"low": 0.0, "high": 1.0, "log": True}, "log needs a low above 0. Received: 0.0"),
        ({"choices": [1], "low": 1}, "give choices, or low and high, not both"),
        ({"chioces": [1], "low": 1, "high": 2}, "unknown key. Did you mean 'choices'?"),
    ],
)
def test_a_parameter_that_is_wrong(tmp_path: Path, parameter: dict, message: str) -> None:
    found = mistakes(config(tmp_path, {"stage2.linear.C": parameter}))
    assert len(found) == 1 and found[0].startswith("search.space.stage2.linear.C")
    assert message in found[0]


def test_another_metric_and_no_section(tmp_path: Path) -> None:
    found = mistakes(config(tmp_path, {"stage2.linear.C": {"choices": [1.0]}}, metric="recall"))
    assert "search.metric" in found[0]
    path = tmp_path / "none.yaml"
    path.write_text(yaml_text.dump(BASE), encoding="utf-8")
    assert mistakes(path)[0].startswith("search: missing")


def test_the_shipped_space() -> None:
    assert {*section_of(load(Path("folder"))).space} == {
        *("cache.person_view.margin", "stage2.linear.pooling")
    }


def test_settings_that_go_together_alone_may_be_tried_together(tmp_path: Path) -> None:
    space = {
        "stage2.weights": {"choices": ["noisy_student", "imagenet"]},
        "stage2.model": {"choices": ["efficientnet_b1", "efficientnet_lite0"]},
    }
    assert load(config(tmp_path, space)).search


def test_what_is_drawn_is_what_the_configuration_reads(tmp_path: Path) -> None:
    space = {
        "stage2.linear.C": {"low": 1e-4, "high": 1.0, "log": True},
        "stage2.linear.folds": {"low": 2, "high": 9},
        "cache.planes": {"choices": [["rgb"], ["rgb", "heatmap"]]},
        "cache.person_view": {"choices": [None, {"margin": 0.25}]},
        "stage2.weights": {"choices": ["imagenet", "noisy_student"]},
    }
    path = config(tmp_path, space)
    section = section_of(load(path))
    fixed = {
        "stage2.linear.C": 0.000123456,
        "stage2.linear.folds": 3,
        "cache.planes": '["rgb"]',
        "cache.person_view": "null",
        "stage2.weights": "noisy_student",
    }
    settings = draw(FixedTrial(fixed), section.space)
    assert settings["stage2.linear.C"] == "0.0001235"
    run = kinds.load(path, as_overrides(settings)).model_dump(mode="json")
    assert (run["stage2"]["linear"]["C"], run["stage2"]["linear"]["folds"]) == (0.0001235, 3)
    assert (run["cache"]["planes"], run["cache"]["person_view"]) == (["rgb"], None)
    assert run["stage2"]["weights"] == "noisy_student"


def test_a_number_is_not_rounded_out_of_its_range() -> None:
    space = {"x": Parameter(low=0.99999, high=1.0)}
    assert draw(FixedTrial({"x": 0.999991}), space) == {"x": "1.0"}
    space = {"x": Parameter(low=0.12344, high=0.2)}
    assert draw(FixedTrial({"x": 0.123444}), space) == {"x": "0.123444"}


def test_the_configurations_own_values(tmp_path: Path) -> None:
    run = load(config(tmp_path, {"stage2.linear.C": {"choices": [1.0]}}))
    inside = {"stage2.linear.C": Parameter(low=1e-3, high=1.0, log=True)}
    assert values_of(run, inside) == {"stage2.linear.C": 0.01}
    assert values_of(run, {"stage2.linear.C": Parameter(low=0.1, high=1.0)}) is None
    assert values_of(run, {"stage2.linear.C": Parameter(choices=(0.01, 1))}) == {
        "stage2.linear.C": "0.01"
    }
