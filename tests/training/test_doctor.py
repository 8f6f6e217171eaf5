"""Every finding, well and ill: what is broken here is broken on purpose."""

import platform
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from pose_activity.training import doctor, selftest
from pose_activity.training.doctor import Line
from tests.commands import call


def fail(*arguments: object, **named: object) -> NoReturn:
    raise RuntimeError("libcuda.so.1: cannot open shared object file")


def test_this_python_and_these_packages_fit() -> None:
    assert doctor.python().state == "ok"
    assert doctor.packages().state == "ok", doctor.packages()


def test_a_foreign_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "python_version", lambda: "3.9.1")
    line = doctor.python()
    assert line.state == "failed" and "use Python >=3.11,<3.14" in line.remedy


@pytest.mark.parametrize(("version", "told"), [(None, "here: none"), ("0.1", "here: 0.1")])
def test_packages_that_do_not_fit_are_named(
    monkeypatch: pytest.MonkeyPatch, version: str | None, told: str
) -> None:
    monkeypatch.setattr(doctor, "version_of", lambda name: version)
    line = doctor.packages()
    assert line.state == "failed" and f"torch>=2.6 ({told})" in line.found
    assert "requirements.lock" in line.remedy


def test_an_ultralytics_that_does_harm_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the packages' metadata say: the module that is imported counts."""
    assert doctor.pose_trainer().state == "ok"
    (tmp_path / "ultralytics").mkdir()
    module = tmp_path / "ultralytics" / "__init__.py"
    module.write_text('import os\n\n__version__ = "8.4.166"\n', encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    line = doctor.pose_trainer()
    assert line.state == "failed" and "at least 8.4.190" in line.found
    assert "Received: 8.4.166" in line.found and "requirements.lock" in line.remedy


def test_weights_are_found_or_the_places_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSE_ACTIVITY_WEIGHTS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    line = doctor.pose_weights()
    assert line.state == "note" and str(tmp_path) in line.remedy
    (tmp_path / "yolov8n-pose.pt").touch()
    assert doctor.pose_weights() == Line("yolov8n-pose.pt", "ok", "yolov8n-pose.pt")
    assert doctor.classifier_weights().state == "ok"
    monkeypatch.setattr(doctor, "package_file", lambda model: tmp_path / "nothing.pth")
    assert doctor.classifier_weights().state == "failed"


def test_scarce_disk_and_memory_are_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FREE_DISK", 1e30)
    monkeypatch.setattr(doctor, "FREE_MEMORY", 1e30)
    assert doctor.disk(tmp_path).state == doctor.memory().state == "note"
    assert "train.py clean" in doctor.disk(tmp_path).remedy


def test_a_place_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("POSE_ACTIVITY_WEIGHTS", str(tmp_path / "file" / "weights"))
    lines = {line.name: line for line in doctor.writable()}
    assert lines["weights folder"].state == "note"
    assert "set POSE_ACTIVITY_WEIGHTS" in lines["weights folder"].remedy
    assert lines["temporary files"].state == "ok"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    assert {line.name: line.state for line in doctor.writable()}["temporary files"] == "failed"


def test_engines_must_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "devices", lambda engine: ["CPU"])
    same = [*doctor.engines(lambda engine: np.ones((2, 3), np.float32))]
    assert [line.state for line in same] == ["ok", "ok"] and "sees CPU" in same[0].found
    other = {"onnxruntime": np.zeros(3, np.float32), "openvino": np.full(3, 0.01, np.float32)}
    first, second = doctor.engines(other.__getitem__)
    assert (first.state, second.state) == ("ok", "failed") and "differ by 0.01" in second.found


def test_an_engine_may_be_broken_or_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version_of", lambda name: None if name == "openvino" else "1")
    first, second = doctor.engines(fail)
    assert first.state == "failed" and "RuntimeError: libcuda.so.1" in first.found
    assert (second.state, second.remedy) == (
        "note",
        "needed for bf16 and int8 alone: pip install openvino",
    )


def test_pictures_go_through_labels_planes_and_cache(tmp_path: Path) -> None:
    assert selftest.draw_and_store(tmp_path).startswith("8 pictures drawn")


def test_a_child_that_fails_is_told_by_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="^ImportError: no such operator$"):
        selftest.in_child("raise ImportError('no such operator')", tmp_path, seconds=60)
    with pytest.raises(RuntimeError, match="ended with code 3"):
        selftest.in_child("raise SystemExit(3)", tmp_path, seconds=60)
    with pytest.raises(TimeoutError, match="no answer within 0 s"):
        selftest.in_child("import time; time.sleep(60)", tmp_path, seconds=0.1)


def test_broken_libraries_are_failures_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest, "draw_and_store", lambda folder: "drawn")
    monkeypatch.setattr(selftest, "in_child", fail)
    drawn, stage1, stage2 = doctor.self_test(tmp_path)
    assert (drawn.state, stage1.state, stage2.state) == ("ok", "failed", "failed")
    assert "cannot open shared object file" in stage1.found and "requirements.lock" in stage1.remedy


def test_a_gpu_that_only_the_driver_sees_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*arguments: object, **named: object) -> dict:
        return {"difference": "0 px", "gpus": []}

    monkeypatch.setattr(selftest, "draw_and_store", lambda folder: "drawn")
    monkeypatch.setattr(selftest, "in_child", answer)
    monkeypatch.setattr(selftest, "ask_graphs", lambda folder, engine: np.zeros(1, np.float32))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    notes = [line for line in doctor.self_test(tmp_path) if line.state == "note"]
    assert [line.name for line in notes] == ["GPU, torch", "GPU, TensorFlow"]


@pytest.mark.parametrize("state", ["ok", "note", "failed"])
def test_only_a_failure_counts(
    state: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = Line("thing", state, "[found]", "mend [it]")  # type: ignore[arg-type]
    monkeypatch.setattr(doctor, "examine", lambda: iter([line]))
    assert doctor.show() is (state != "failed")
    out = capsys.readouterr().out
    assert "[found]" in out and "thing: mend [it]" in out


@pytest.mark.slow
def test_this_installation_works() -> None:
    done = call("train.py", "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything that is needed works" in done.stdout
