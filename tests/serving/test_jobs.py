"""Jobs: their drawings, their events, their end; alone and when there are too many."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pose_activity import infer
from pose_activity.annotations.videos import read_frames
from pose_activity.serving.jobs import Jobs
from tests.inference.motion_model import crossing, write_film
from tests.serving.running import Running, running
from tests.serving.test_predictions import RED
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A video that takes longer than a test."""
    frames = crossing() * 20
    return write_film(tmp_path_factory.mktemp("long") / "long.avi", frames).read_bytes()


def events_of(server: Running, location: str, **headers: str) -> list[tuple[str, str, str]]:
    """All events of a job, as (event, id, data)."""
    found, fields = [], {}
    with server.client.stream("GET", f"{location}/events", headers=headers) as events:
        for line in events.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif fields:
                found.append((fields.get("event", ""), fields.get("id", ""), fields["data"]))
                fields = {}
    return found


@pytest.mark.parametrize("kind", ["pictures", "clips"])
def test_a_video_is_answered_as_on_the_command_line(
    kind: str,
    film: Path,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows byte for byte, the drawn video frame for frame."""
    model: Path = request.getfixturevalue(f"{kind}_model")
    tracks = Path("tracks") if kind == "clips" else None
    monkeypatch.chdir(tmp_path)
    Path(film.name).write_bytes(film.read_bytes())
    infer.main([film.name], run=str(model), out="a.csv", draw=Path("drawn"), tracks=tracks)
    infer.main([film.name], run=str(model), out="a.jsonl")
    with running(model, tmp_path / "state") as server:
        sent = server.send(film.read_bytes(), name=film.name)
        job = server.finish(sent)
        assert (job["state"], job["done"], job["of"], job["name"]) == ("done", 30, 30, film.name)
        files = {
            name: server.client.get(f"{sent.headers['location']}/{name}")
            for name in ("rows.csv", "rows.jsonl", "drawn.webm", "gallery.html", "tracks.json")
        }
        assert server.client.get(sent.headers["location"]).json()["drawing"] == "done"
    assert not [*(tmp_path / "state").iterdir()]
    for ending in ("csv", "jsonl"):
        assert files[f"rows.{ending}"].content == Path(f"a.{ending}").read_bytes()
    assert files["drawn.webm"].headers["content-type"] == "video/webm"
    Path("served.webm").write_bytes(files["drawn.webm"].content)
    (drawn,) = Path("drawn").iterdir()
    frames = [
        [frame.load() for frame in read_frames(path)] for path in (drawn, Path("served.webm"))
    ]
    assert len(frames[0]) == 30 and np.array_equal(frames[0], frames[1])
    page = files["gallery.html"]
    assert "script-src 'unsafe-inline'" in page.headers["content-security-policy"]
    assert film.name in page.text and str(tmp_path) not in page.text
    if tracks:
        (path,) = tracks.iterdir()
        assert files["tracks.json"].content == path.read_bytes()
    else:
        assert files["tracks.json"].status_code == 404


def test_events_are_the_rows_and_can_be_resumed(server: Running, film: Path) -> None:
    sent = server.send(film.read_bytes(), name="film.avi")
    location = sent.headers["location"]
    events = events_of(server, location)
    rows = [event for event in events if event[0] == "row"]
    assert [int(number) for _, number, _ in rows] == [*range(30)]
    lines = server.client.get(f"{location}/rows.jsonl").text.splitlines()
    assert [data for _, _, data in rows] == lines
    last, _, data = events[-1]
    assert last == "done" and json.loads(data)["rows"] == 30
    again = events_of(server, location, **{"Last-Event-ID": "26"})
    assert [number for event, number, _ in again if event == "row"] == ["27", "28", "29"]
    assert server.client.delete(location).status_code == 204
    assert server.client.get(location).status_code == 404 and not server.left()


def test_a_job_that_is_deleted_stops_at_once(server: Running, long_film: bytes) -> None:
    sent = server.send(long_film)
    location = sent.headers["location"]
    wait_for(lambda: server.client.get(location).json()["done"] > 3)
    early = server.client.get(f"{location}/rows.csv")
    assert early.status_code == 409 and early.json()["received"] == "running"
    job = server.service.jobs.find(location.rpartition("/")[2])
    assert server.client.delete(location).status_code == 204
    assert job.state == "cancelled" and 3 < job.done < job.of
    assert not server.left()
    assert server.service.jobs.places.taken == 0
    assert server.send(RED).json()["activity"] == "red"


def test_who_looks_on_is_told_of_the_end(server: Running, long_film: bytes) -> None:
    sent = server.send(long_film)
    location = sent.headers["location"]
    with server.client.stream("GET", f"{location}/events") as events:
        lines = events.iter_lines()
        next(line for line in lines if line == "event: row")
        server.client.delete(location)
        assert "event: cancelled" in [*lines]


def test_a_job_that_begins_while_its_place_is_asked_for() -> None:
    class Beginning:
        states = iter(["waiting", "running"])

        @property
        def state(self) -> str:
            return next(self.states, "running")

    job = Beginning()
    queue: Any = SimpleNamespace(_jobs={"1": job})
    assert Jobs.place_of(queue, job) == 1  # type: ignore[arg-type]
    assert Jobs.place_of(queue, job) is None  # type: ignore[arg-type]


def test_a_full_queue_and_places(pictures_model: Path, long_film: bytes, tmp_path: Path) -> None:
    with running(pictures_model, tmp_path / "state", queue=2, threads=1) as server:
        jobs = [server.send(long_film) for _ in range(3)]
        locations = [job.headers["location"] for job in jobs]
        wait_for(lambda: server.client.get(locations[0]).json()["state"] == "running")
        found = [server.client.get(location).json() for location in locations]
        assert [(job["state"], job["place"]) for job in found] == [
            ("running", None),
            ("waiting", 1),
            ("waiting", 2),
        ]
        refused = server.send(long_film)
        assert refused.status_code == 503 and refused.headers["retry-after"]
        assert server.client.get("/readyz").status_code == 503
        assert server.send(RED).status_code == 200, "pictures have places of their own"
        server.client.delete(locations[1])
        assert server.client.get(locations[2]).json()["place"] == 1
        assert server.send(long_film).status_code == 202
        text = server.client.get("/metrics").text
        assert 'pose_activity_jobs{state="waiting"} 2.0' in text
        assert 'status="503"' in text
    assert not [*(tmp_path / "state").iterdir()]


def test_files_are_deleted_when_their_time_is_over(
    pictures_model: Path, film: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    (state / "0123456789abcdef0123456789abcdef").mkdir(parents=True)
    with running(pictures_model, state, keep=2) as server:
        assert not server.left(), "what a killed server left over"
        sent = server.send(film.read_bytes())
        job = server.finish(sent)
        assert job["expires"]
        wait_for(lambda: not server.left())
        assert server.client.get(sent.headers["location"]).status_code == 404


def test_a_damaged_video_has_the_row_of_infer(server: Running, film: Path, tmp_path: Path) -> None:
    data = film.read_bytes()
    sent = server.send(data[: len(data) * 2 // 3], name="cut.avi")
    assert server.finish(sent)["state"] == "done"
    rows = server.client.get(f"{sent.headers['location']}/rows.jsonl").text.splitlines()
    last = json.loads(rows[-1])
    assert last["status"] == "error" and last["error"].startswith("cut.avi: damaged or cut off")
    assert server.client.delete(sent.headers["location"]).status_code == 204
