"""Options of a server: texts into values, and what is refused before a model is loaded."""

from pathlib import Path

import pytest

from pose_activity import serve
from pose_activity.inference.options import OptionError
from pose_activity.serving.options import ServerOptions, is_loopback, read_duration, read_size
from pose_activity.serving.run import address_of


@pytest.mark.parametrize(
    ("text", "size"),
    [("200MB", 200_000_000), ("1.5 gb", 1_500_000_000), ("64k", 64_000), ("7", 7), ("9B", 9)],
)
def test_sizes(text: str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "0", "-1MB", "1TB", "1e9", "200 M B"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="like 200MB. Received"):
        read_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("15m", 900), ("1.5h", 5400), ("2d", 172_800), ("90", 90), ("0.5 s", 0.5)]
)
def test_times(text: str, seconds: float) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "0s", "-1m", "1w", "15 min"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="like 15m. Received"):
        read_duration(text)


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("127.9.9.9", True)]
    + [("0.0.0.0", False), ("::", False), ("192.168.0.2", False), ("pose.example", False)],
)
def test_who_reaches_an_address(host: str, here: bool, tmp_path: Path) -> None:
    assert is_loopback(host) == here
    if here:
        ServerOptions(tmp_path, host=host)
        return
    with pytest.raises(OptionError, match="other machines reach this server"):
        ServerOptions(tmp_path, host=host)
    ServerOptions(tmp_path, host=host, token="12345678")
    ServerOptions(tmp_path, host=host, open_to_all=True)


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"token": "short"}, "token"),
        ({"token": "with a blank"}, "token"),
        ({"token": "12345678", "open_to_all": True}, "token"),
        ({"tls_cert": Path("a.pem")}, "tls_cert"),
        ({"examples": Path("nowhere")}, "examples"),
    ],
)
def test_what_does_not_go_together(options: dict, option: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError) as error:
        ServerOptions(tmp_path, **options)
    assert error.value.option == option
    assert "short" not in repr(error.value) and "12345678" not in repr(error.value)


def test_a_token_is_not_shown(tmp_path: Path) -> None:
    options = ServerOptions(tmp_path, token="12345678")
    assert "12345678" not in repr(options)
    assert address_of(options, 80) == "http://127.0.0.1:80/#token=12345678"
    assert address_of(ServerOptions(tmp_path, host="::1"), 80) == "http://[::1]:80/"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "0.0.0.0"}, "--host: at 0.0.0.0 other machines"),
        ({"max_upload": "much"}, "--max-upload: a size"),
        ({"keep": "long"}, "--keep: a time"),
        ({"examples": Path("nowhere")}, "--examples: is not a folder"),
        ({}, "neither|is missing"),
    ],
)
def test_the_command_names_its_options(options: dict, words: str, tmp_path: Path) -> None:
    with pytest.raises((ValueError, OSError), match=words):
        serve.main(tmp_path / "no model", state=tmp_path, **options)
