"""What a client is told about the model, and when it has to ask for consent."""

import pytest

from pose_activity.serving.model_facts import _identifies
from tests.inference.view_model import CLASSES
from tests.serving.running import Running


def test_what_a_client_is_told(server: Running) -> None:
    facts = server.client.get("/v1/model").json()
    assert facts["classes"] == [*CLASSES] and len(facts["joints"]) == 17
    assert set(facts["digests"]) == {"stage1", "stage2"}
    assert all(len(digest) == 64 for digest in facts["digests"].values())
    assert facts["limits"]["bytes"] == 200_000_000 and facts["limits"]["queue"] == 8
    assert facts["licence"].startswith("AGPL") and facts["source_url"] == "/source.zip"


@pytest.mark.parametrize(
    ("about", "people"),
    [
        ({}, False),
        ({"data": {"classes": {"waving": 5, "running": 5}}}, False),
        ({"data": {"classes": {"person01": 5, "person02": 5}}}, True),
        ({"data": {"classes": {"Person 1": 5, "p2": 5}}}, True),
        ({"data": {"classes": {"person01": 5, "running": 5}}}, False),
        ({"scores": ["accuracy", "rank 5"]}, True),
    ],
)
def test_whether_it_recognizes_people(about: dict, people: bool) -> None:
    assert _identifies(about) == people
