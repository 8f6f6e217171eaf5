"""What a browser is given that is to answer by itself, and what it is not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pose_activity.inference import on_device
from pose_activity.serving import device_routes
from tests.inference import device_model
from tests.serving.running import Running, running


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("package")
    model = device_model.package_colours(folder)
    with running(model, folder / "state", threads=1, token="a-long-secret") as found:
        yield found


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page with the runtime, whether it is there or not."""
    (tmp_path / "ort").mkdir()
    for name in device_routes.RUNTIME:
        (tmp_path / "ort" / name).write_bytes(b"")
    monkeypatch.setattr(device_routes, "PAGE", tmp_path)


@pytest.mark.usefixtures("runtime")
def test_it_gets_the_graphs_and_the_sample_and_no_other_file(package: Running) -> None:
    offered = package.client.get("/v1/model").json()["on_device"]
    about = package.client.get("/v1/device").json()
    sizes = [graph["bytes"] for graph in about["graphs"].values()]
    assert offered == {"offered": True, "why_not": None, "bytes": sum(sizes)}
    model = package.service.model
    for name in ("pose.onnx", "classifier.onnx", on_device.SAMPLE):
        assert package.client.get(f"/v1/device/{name}").content == (model / name).read_bytes()
    for name in ("model.json", "classifier.json", "..%2fmodel.json", "x"):
        assert package.client.get(f"/v1/device/{name}").status_code == 404


@pytest.mark.usefixtures("runtime")
def test_it_needs_the_token(package: Running) -> None:
    for path in ("/v1/device", "/v1/device/pose.onnx"):
        assert package.client.get(path, headers={"Authorization": ""}).status_code == 401


def test_without_the_runtime_it_is_not_offered(
    package: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_routes, "PAGE", tmp_path)
    offered = package.client.get("/v1/model").json()["on_device"]
    assert not offered["offered"] and "make web" in offered["why_not"]
    refused = package.client.get("/v1/device")
    assert refused.status_code == 404 and "make web" in refused.json()["detail"]


@pytest.mark.usefixtures("runtime")
def test_a_run_is_not_offered(server: Running) -> None:
    offered = server.client.get("/v1/model").json()["on_device"]
    assert not offered["offered"] and "train.py package" in offered["why_not"]
