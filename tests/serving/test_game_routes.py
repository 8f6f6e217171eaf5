"""The game over HTTP: the server plans and judges, and remembers nothing."""

import pytest

from tests.inference.view_model import CLASSES
from tests.serving.running import Running

WISH = {"seed": 7, "rounds": 3, "seconds": 2.0}


def test_a_game_asks_for_what_the_model_knows(server: Running) -> None:
    planned = server.client.post("/v1/game", json=WISH)
    prompts = planned.json()["prompts"]
    assert planned.status_code == 200 and {prompt["action"] for prompt in prompts} == {*CLASSES}
    assert [(prompt["start"], prompt["stop"]) for prompt in prompts] == [(0, 2), (2, 4), (4, 6)]
    assert server.client.post("/v1/game", json=WISH).json()["prompts"] == prompts


def test_the_same_wish_and_the_answers_are_judged(server: Running) -> None:
    prompts = server.client.post("/v1/game", json=WISH).json()["prompts"]
    film = [{"seconds": i / 10, "action": prompts[i // 20]["action"]} for i in range(60)]
    judged = server.client.post("/v1/game/score", json={**WISH, "answers": film}).json()
    assert (judged["hits"], judged["streak"]) == (3, 3) and judged["points"] >= 990
    nobody = [{**answer, "action": None} for answer in film]
    judged = server.client.post("/v1/game/score", json={**WISH, "answers": nobody}).json()
    assert judged["points"] == 0
    assert {played["missed"] for played in judged["rounds"]} == {"nobody was seen"}


@pytest.mark.parametrize(
    "wish",
    [
        {**WISH, "seed": -1},
        {**WISH, "rounds": 51},
        {**WISH, "seconds": 0.1},
        {**WISH, "cheat": True},
        {"rounds": 3},
        {**WISH, "seed": False},
        {**WISH, "rounds": "3"},
        {**WISH, "seconds": None},
    ],
)
def test_what_is_no_game_is_a_problem(server: Running, wish: dict) -> None:
    refused = server.client.post("/v1/game", json=wish)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [b"", b"[" * 100_000, b'{"seed": ' + b"9" * 10_000 + b"}", b"\xff\xfe{}", b'{"seconds": NaN}'],
)
def test_what_is_no_json_is_a_problem(server: Running, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    refused = server.client.post("/v1/game", content=body, headers=headers)
    assert refused.status_code in (400, 422)
    assert refused.headers["content-type"] == "application/problem+json"


def test_too_many_answers_are_refused(server: Running) -> None:
    film = [{"seconds": 0.0, "action": None}] * 20_001
    refused = server.client.post("/v1/game/score", json={**WISH, "answers": film})
    assert refused.status_code == 422
