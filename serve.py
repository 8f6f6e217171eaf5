"""Serves a model as a web page and over HTTP: python serve.py --model model/."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pose_activity.artifacts.commands import install
from pose_activity.artifacts.user_cache import user_cache
from pose_activity.artifacts.utf8_mode import restart_in_utf8

# Before OpenCV is imported: visitors' pictures are not trusted as one's own.
_PIXELS = "50000000"
_FRAME_PIXELS = str(4096 * 2304)  # of a video
console = Console()


def main(
    model: Annotated[
        Path, typer.Option("--model", "--run", help="Folder of a packaged model or of a run.")
    ],
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free one.")] = 8000,
    token: Annotated[
        str | None,
        typer.Option(envvar="POSE_ACTIVITY_TOKEN", help="What visitors must know to use it."),
    ] = None,
    open_to_all: Annotated[
        bool, typer.Option("--open", help="Let other machines in without a token.")
    ] = False,
    threads: Annotated[int | None, typer.Option(help="CPU threads (default: all).")] = None,
    max_upload: Annotated[str, typer.Option(help="Largest file, like 200MB.")] = "200MB",
    max_seconds: Annotated[float, typer.Option(min=1, help="Longest video.")] = 600.0,
    keep: Annotated[
        str, typer.Option(help="How long a finished video's files stay, like 15m.")
    ] = "15m",
    queue: Annotated[
        int, typer.Option(min=1, help="Photos that may wait, and as many videos.")
    ] = 8,
    examples: Annotated[
        Path | None, typer.Option(help="Folder of images and videos that visitors may try.")
    ] = None,
    source_url: Annotated[
        str | None,
        typer.Option(help="Where the source code of this server is (default: it serves it)."),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate, for https.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key.")] = None,
    state: Annotated[
        Path | None, typer.Option(help="Folder for visitors' files; emptied at the start.")
    ] = None,
    hide_faces: Annotated[
        bool, typer.Option("--blur-faces", help="Hide faces in what is drawn.")
    ] = False,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name that browsers call this server by.")
    ] = None,
    cors: Annotated[
        list[str] | None, typer.Option(help="Origin of a page that may use the interface.")
    ] = None,
) -> None:
    """Serve a model: a page for people, HTTP for programs.

    Example: python serve.py --model model/

    Example: python serve.py --model model/ --host 0.0.0.0 --token A-LONG-SECRET
    """
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", _PIXELS)
    os.environ.setdefault("POSE_ACTIVITY_MAX_FRAME_PIXELS", _FRAME_PIXELS)
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        from pose_activity.serving import options as texts
        from pose_activity.serving.run import serve
    except ModuleNotFoundError as error:
        raise ImportError(f"Serving needs more packages: {install('serve')} ({error})") from None
    from pose_activity.inference.options import OptionError

    try:
        asked = texts.ServerOptions(
            state=state or user_cache() / "serve" / str(port),
            host=host,
            port=port,
            token=token,
            open_to_all=open_to_all,
            threads=threads,
            max_upload=_read("max-upload", texts.read_size, max_upload),
            max_seconds=max_seconds,
            keep=_read("keep", texts.read_duration, keep),
            queue=queue,
            examples=examples,
            source_url=source_url or texts.SOURCE,
            tls_cert=tls_cert,
            tls_key=tls_key,
            hide_faces=hide_faces,
            hosts=tuple(allow_host or ()),
            cors=tuple(cors or ()),
        )
    except OptionError as error:
        raise ValueError(f"--{error.option.replace('_', '-')}: {error}") from None
    serve(model, asked, on_start=_announce)


def _read(option: str, reader, text: str):  # noqa: ANN001, ANN202
    try:
        return reader(text)
    except ValueError as error:
        raise ValueError(f"--{option}: {error}") from None


def _announce(address: str) -> None:
    console.print(f"Open {address} (Ctrl-C ends it)", soft_wrap=True, highlight=False)


if __name__ == "__main__":
    from pose_activity.terminal import run_program

    restart_in_utf8()
    run_program(lambda: typer.run(main))
