"""Python's UTF-8 mode, so that a name is the same text in every locale.

Names of files are bytes, nearly always UTF-8. Under LC_ALL=C or a Latin-1 locale Python decodes
them differently: a folder `Küche` would be another class than in the table of labels, and a file
named in a table would not be found. From Python 3.15 on the mode is the default (PEP 686).
"""

import locale
import os
import sys


def restart_in_utf8() -> None:
    """Restarts this program in UTF-8 mode if it would decode names of files in another way.

    What it prints stays in the terminal's encoding. Children inherit the mode. Call it first.
    """
    if sys.getfilesystemencoding() == "utf-8" or os.environ.get("PYTHONUTF8") == "1":
        return
    os.environ["PYTHONUTF8"] = "1"
    os.environ.setdefault("PYTHONIOENCODING", f"{locale.getencoding()}:backslashreplace")
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
