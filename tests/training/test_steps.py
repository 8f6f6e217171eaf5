"""A step is skipped, made again with its reason, or refused; its manifest lists what it leaves."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pose_activity import train
from pose_activity.artifacts import manifest
from pose_activity.configs.sections import Run
from pose_activity.training.kinds import load
from pose_activity.training.status import step_statuses
from pose_activity.training.steps import MadeFrom, Step, in_processes, require, run_step, steps_of

LEFT = ("samples.jsonl", "plots/a.png", "notes.csv")


class Toy:
    """A run of two steps: the second reads what the first writes."""

    def __init__(self, run_dir: Path) -> None:
        self.run = Run(run_dir=run_dir)
        self.asked = {"epochs": 1}
        self.labels = "1"
        self.made: list[str] = []

    def steps_of(self, run: Run, *, look_only: bool = False) -> list[Step]:
        first = Step(
            "annotations",
            recipe=lambda: self.asked,
            inputs=dict,
            make=self.annotate,
            files=("samples.jsonl", "plots/*.png", "*.csv"),
            external_inputs={"labels": lambda: self.labels},
        )
        second = Step("report", dict, self.digests, self.report, files=("report.md",))
        return [first, second]

    def annotate(self, folder: Path, asked: MadeFrom, *, finish: bool = False) -> dict[str, Any]:
        self.made.append("annotations" + (", finished" if finish else ""))
        assert asked == MadeFrom(self.asked, {"labels": self.labels})
        for name in (*LEFT, "states/1.keras"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(f"{asked.recipe}", encoding="utf-8")
        return {"kept": 3}

    def report(self, folder: Path, asked: MadeFrom) -> dict[str, Any]:
        self.made.append("report")
        (folder / "report.md").touch()
        return {}

    def digests(self) -> dict[str, str]:
        samples = self.run.run_dir / "annotations" / "samples.jsonl"
        return {"samples": manifest.sha256_file(samples)}

    def every_step(self) -> list[str]:
        """Brings both steps up to date; returns what was made."""
        self.made.clear()
        for name in ("annotations", "report"):
            run_step(self.run, name)
        return self.made

    def states(self) -> list[str]:
        return [s.state for s in step_statuses(self.run) if s.state != "not needed"]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    toy = Toy(tmp_path / "run")
    for module in ("steps", "status"):
        monkeypatch.setattr(f"pose_activity.training.{module}.steps_of", toy.steps_of)
    assert toy.every_step() == ["annotations", "report"]
    return toy


def test_a_manifest_lists_every_file_of_the_result_and_no_rest(toy: Toy) -> None:
    found = manifest.read(toy.run.run_dir / "annotations")
    assert found is not None and {*found["outputs"]} == {*LEFT}
    assert (found["recipe"], found["inputs"]) == (toy.asked, {"labels": "1"})
    assert found["counts"] == {"kept": 3}


def test_a_finished_step_is_skipped(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    assert toy.every_step() == [] and toy.states() == ["done", "done"]
    assert capsys.readouterr().out.count("up to date") == 2


@pytest.mark.parametrize("name", LEFT)
@pytest.mark.parametrize("how", ["missing", "altered since it was written"])
def test_what_was_removed_or_altered_is_named_and_made_again(
    toy: Toy, name: str, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = toy.run.run_dir / "annotations" / name
    before = file.read_bytes()
    file.unlink() if how == "missing" else file.write_text("another", encoding="utf-8")
    assert step_statuses(toy.run)[0].why == (f"{name}: {how}",)
    with pytest.raises(ValueError, match=f"'annotations' does not fit: {name}: {how}"):
        require(toy.run, toy.steps_of(toy.run)[:1])
    assert toy.every_step() == ["annotations"], "the report is of the same samples"
    assert file.read_bytes() == before and toy.states() == ["done", "done"]
    assert f"{name}: {how}" in capsys.readouterr().out


def test_rests_and_other_people_s_files_may_go_and_come(toy: Toy) -> None:
    folder = toy.run.run_dir / "annotations"
    shutil.rmtree(folder / "states")
    (folder / "thesis.docx").touch()
    assert toy.states() == ["done", "done"] and toy.every_step() == []


def test_another_recipe_or_source_makes_it_again(toy: Toy) -> None:
    toy.asked = {"epochs": 2}
    assert step_statuses(toy.run)[0].why == ("recipe.epochs: 1 -> 2",)
    assert toy.every_step() == ["annotations", "report"]
    toy.labels = "2"
    assert toy.every_step() == ["annotations"]


def test_an_earlier_step_must_be_finished(toy: Toy) -> None:
    (toy.run.run_dir / "annotations" / manifest.NAME).unlink()
    with pytest.raises(ValueError, match=r"'annotations' is not finished. Run: python train.py an"):
        run_step(toy.run, "report")


def test_what_only_one_step_takes_is_passed_by_name(toy: Toy) -> None:
    toy.asked = {"epochs": 3}
    toy.made.clear()
    run_step(toy.run, "annotations", finish=True)
    assert toy.made == ["annotations, finished"]


def test_a_step_that_is_not_needed_says_so(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    run_step(toy.run, "stage1")
    assert "not needed in this run" in capsys.readouterr().out
    assert not (toy.run.run_dir / "stage1").exists()


def grouped(*settings: str, config: str = "folder", data: str = "data.images") -> list[list[str]]:
    run = load(Path(config), (f"{data}=photos", *settings))
    return [[step.name for step in group] for group in in_processes(steps_of(run, look_only=True))]


def test_steps_share_a_process_unless_they_may_import_torch_or_tensorflow() -> None:
    linear = ["cache", "stage2", "report"]
    assert grouped() == [["annotations"], ["stage1"], linear]
    assert grouped("stage1.graph=there") == [["annotations", "stage1", *linear]]
    assert grouped("cache.person_view=null") == [["annotations", *linear]]
    alone = [["annotations"], ["stage1"], ["cache"], ["stage2"], ["report"]]
    assert grouped("stage2.model=efficientnet_b0") == alone
    tuned = ("stage2.fine_tune.epochs=1", "cache.person_view.joints=false")
    assert grouped(*tuned) == alone
    assert grouped("stage2.linear=null", "cache.person_view=null") == [
        *(["annotations", "cache"], ["stage2"], ["report"])
    ]


@pytest.mark.parametrize(
    ("config", "data", "groups"),
    [
        ("parts", "parts.images", [["annotations", "cache"], ["stage2"], ["report"]]),
        ("gait", "clips.path", [["annotations"], ["stage1"], ["cache"], ["stage2"], ["report"]]),
    ],
)
def test_of_every_kind_only_what_trains_or_exports_is_alone(
    config: str, data: str, groups: list[list[str]]
) -> None:
    assert grouped(config=config, data=data) == groups


def test_several_steps_in_one_process_end_at_the_first_that_fails() -> None:
    options = ["--config", "folder", "--set", "data.images=nowhere", "--set", "stage1.graph=there"]
    done = CliRunner().invoke(train.app, ["steps", "annotations", "cache", *options])
    assert done.exit_code and "data.images: no such folder: nowhere" in str(done.exception)
