"""`/source.zip`: the source code of what runs here, as the AGPL (section 13) wants it offered.

It is made of the very files that are imported, so that an operator's changes are in it.
"""

import io
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

ROOT = Path(__file__).resolve().parents[1]
_CODE = {".py", ".pyi", ".html", ".css", ".js", ".mjs", ".svg", ".j2", ".yaml", ".json", ".typed"}
_TOP = {"LICENSE", "README.md", "pyproject.toml", "requirements.lock", "py.typed", "Dockerfile"}
router = APIRouter()


@router.get(
    "/source.zip",
    summary="The source code of this server",
    response_model=None,
    responses={200: {"content": {"application/zip": {}}, "description": "The files"}},
)
def read() -> Response:
    """Returns all files of the package."""
    headers = {"Content-Disposition": 'attachment; filename="pose-activity-source.zip"'}
    return Response(_archive(), media_type="application/zip", headers=headers)


@cache
def _archive() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(_files()):
            archive.write(path, Path("pose_activity", path.relative_to(ROOT)))
    return data.getvalue()


def _files() -> Iterator[Path]:
    """Yields the files of the package: of its rooms, and those beside them that belong to it."""
    for path in ROOT.iterdir():
        if path.is_file() and (path.suffix == ".py" or path.name in _TOP):
            yield path
        elif (path / "__init__.py").is_file() and not path.name.startswith("."):
            yield from (file for file in path.rglob("*") if file.suffix in _CODE and file.is_file())
