"""The page of a run: facts into one HTML file.

Nothing is fetched: pictures, style and script are inside. The layout is in `page.html.j2`, which
shows each kind of block and escapes what it says.
"""

import re
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from pose_activity.artifacts import atomic
from pose_activity.training.report_page.facts import Facts

TEMPLATE = "page.html.j2"


def write_page(path: Path, facts: Facts) -> None:
    """Writes the page, whole or not at all."""
    atomic.write_text(path, render(facts))


def render(facts: Facts) -> str:
    """Returns the page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "breakable": _breakable, "unbroken": _unbroken}
    environment.filters["code"] = _code
    return environment.get_template(TEMPLATE).render(facts=facts)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _breakable(name: str) -> Markup:
    """Lets a browser break a long name behind its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


def _unbroken(text: str) -> str:
    """Keeps a figure and its per cent sign on one line."""
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)


def _code(text: str) -> Markup:
    """Shows `words between backticks` as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(_unbroken(text)))))
