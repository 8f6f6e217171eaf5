"""Runs a service at its address until it is told to end; no command line here."""

import logging
import ssl
from collections.abc import Callable
from pathlib import Path

import uvicorn

from pose_activity.serving.app import create_app
from pose_activity.serving.connections import Connection
from pose_activity.serving.options import ServerOptions
from pose_activity.serving.service import Service

FRAME = 2_000_000  # bytes of a picture that comes through a WebSocket
_HEADER = 16  # in front of it
_GRACE = 2  # seconds for answers that are under way when the server is to end


class _Server(uvicorn.Server):
    """A server that says where it is once it listens, and ends what lasts when it is to end."""

    def __init__(
        self, config: uvicorn.Config, service: Service, on_start: Callable[[str], None]
    ) -> None:
        super().__init__(config)
        self._service, self._on_start = service, on_start

    async def startup(self, sockets: list | None = None) -> None:
        """Listens."""
        await super().startup(sockets)
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            self._on_start(address_of(self._service.options, port))

    async def shutdown(self, sockets: list | None = None) -> None:
        """Ends streams of events first: they would last as long as their jobs."""
        self._service.closing.set()
        await super().shutdown(sockets)


def address_of(options: ServerOptions, port: int) -> str:
    """Returns where a browser finds the server."""
    scheme = "http" if options.tls_cert is None else "https"
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(options.host, options.host)  # noqa: S104
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    token = f"#token={options.token}" if options.token else ""
    return f"{scheme}://{host}:{port}/{token}"


def serve(model: Path, options: ServerOptions, *, on_start: Callable[[str], None]) -> None:
    """Loads a model and answers until SIGINT or SIGTERM.

    Args:
        model: Its folder.
        options: Of the server.
        on_start: Told the address once the port is open.

    Raises:
        FileNotFoundError: no model is there.
        ValueError: the model cannot be used.
        OSError: the port is taken, or a certificate is no good.
    """
    build(Service(model, options), on_start=on_start).run()  # a wrong model is said first


def build(service: Service, *, on_start: Callable[[str], None]) -> uvicorn.Server:
    """Returns the server of a service, which does not listen yet; see `serve`."""
    options = service.options
    config = uvicorn.Config(
        create_app(service),
        host=options.host,
        port=options.port,
        ssl_certfile=options.tls_cert,
        ssl_keyfile=options.tls_key,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        http=Connection,
        ws="websockets-sansio",
        ws_max_size=FRAME + _HEADER,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_GRACE,
        lifespan="on",
    )
    try:
        config.load()
    except ssl.SSLError as error:
        raise ValueError(f"{options.tls_cert}: not a certificate with this key ({error})") from None
    return _Server(config, service, on_start)
