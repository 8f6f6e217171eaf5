"""What an operator asks: whether the server lives, takes work, and what it has counted."""

import pytest

from pose_activity.serving import health
from tests.serving.running import Running
from tests.serving.test_predictions import RED


def test_a_server_that_takes_work(server: Running) -> None:
    assert server.client.get("/healthz").text == "ok\n"
    assert server.client.get("/readyz").text == "ready\n"


def test_a_disk_that_is_nearly_full(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.service, "free_disk", lambda: health.ROOM - 1)
    refused = server.client.get("/readyz")
    assert refused.status_code == 503 and "1,000,000,000 bytes of disk" in refused.json()["rule"]
    assert server.client.get("/healthz").status_code == 200, "it lives all the same"


def test_counts_name_routes_and_nobody(server: Running) -> None:
    server.send(RED, name="grandmother.jpg")
    server.client.get(f"/v1/jobs/{'0' * 32}")
    text = server.client.get("/metrics").text
    count = 'pose_activity_requests_total{method="POST",route="/v1/predictions",status="200"} '
    assert count in text and 'route="/v1/jobs/{id}",status="404"' in text
    assert "grandmother" not in text and "0" * 32 not in text and "127.0.0.1" not in text
