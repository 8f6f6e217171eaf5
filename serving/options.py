"""What a server is asked for: values alone, and the texts that stand for them on a command line."""

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path

from pose_activity.inference.options import OptionError

SOURCE = "/source.zip"  # where a server offers its own source code
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class ServerOptions:
    """What is asked for.

    Attributes:
        host: Address to listen at.
        port: Its port; 0 takes a free one.
        token: What clients must know; None: nothing.
        open_to_all: Whether other machines may come without a token.
        threads: Frames that are worked on side by side; None: one per CPU.
        max_upload: Bytes of a file.
        max_seconds: Length of a video.
        keep: Seconds for which a finished job's files stay.
        queue: Pictures, and videos, that wait for their turn; more are sent away.
        examples: Folder of pictures and videos that visitors may try; None: none.
        source_url: Where the source code of what runs here is (AGPL, section 13): a path of this
            server, or an address.
        tls_cert: Certificate for https; None: http.
        tls_key: Its private key.
        state: Folder for visitors' files while they are kept.
        hide_faces: Whether faces are made unrecognizable in what is drawn.
        hosts: More names that browsers may call this server by.
        cors: Origins of other pages that may use the interface.
    """

    state: Path
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = field(default=None, repr=False)
    open_to_all: bool = False
    threads: int | None = None
    max_upload: int = 200_000_000
    max_seconds: float = 600.0
    keep: float = 900.0
    queue: int = 8
    examples: Path | None = None
    source_url: str = SOURCE
    tls_cert: Path | None = None
    tls_key: Path | None = None
    hide_faces: bool = False
    hosts: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (is_loopback(self.host) or self.token or self.open_to_all):
            raise OptionError(
                "host",
                f"at {self.host} other machines reach this server. Name a token that its visitors "
                "must know, or say that it is open to all",
            )
        if self.token is not None and (self.open_to_all or not _TOKEN.fullmatch(self.token)):
            raise OptionError(
                "token",
                "a token is 8 to 200 letters, digits and -._~ of ASCII, and a server with one is "
                f"not open to all. Received: {len(self.token)} characters",
            )
        if (self.tls_cert is None) != (self.tls_key is None):
            raise OptionError("tls_cert", "https takes a certificate and its key, both of them")
        if self.examples is not None and not self.examples.is_dir():
            raise OptionError("examples", f"is not a folder: {self.examples}")


_TOKEN = re.compile(r"[A-Za-z0-9._~-]{8,200}")


def is_loopback(host: str) -> bool:
    """Returns whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_size(text: str) -> int:
    """Returns bytes: "200MB" is 200,000,000.

    Raises:
        ValueError: it is not a size above 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?B?)", text.strip().upper())
    size = (
        int(float(found[1]) * _UNITS.get(found[2], _UNITS.get(found[2] + "B", 0))) if found else 0
    )
    if size < 1:
        raise ValueError(f"a size is a number with KB, MB or GB, like 200MB. Received: {text!r}")
    return size


def read_duration(text: str) -> float:
    """Returns seconds: "15m" is 900.

    Raises:
        ValueError: it is not a length of time above 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip().lower())
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if seconds <= 0:
        raise ValueError(f"a time is a number with s, m, h or d, like 15m. Received: {text!r}")
    return seconds
