"""What the output is: a terminal, where colours and live lines help, or anything else, where they would be noise."""

from __future__ import annotations

import os
import shutil
from typing import TextIO

_RESET = "\x1b[0m"
_STATUS_COLOURS = (
    (("Up",), "\x1b[32m"),
    (("Down", "NotResponding"), "\x1b[31m"),
    (("Paused", "Saving State", "Restoring state"), "\x1b[33m"),
    (("Powering up", "Powering down", "RebootInProgress", "WaitForLaunch"), "\x1b[36m"),
    (("Migration Source", "Migration Destination"), "\x1b[35m"),
)


def is_live(stream: TextIO) -> bool:
    """Whether lines on `stream` can be redrawn."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def has_colour(stream: TextIO) -> bool:
    """Whether `stream` shows colours, and the user has not said no (NO_COLOR)."""
    return is_live(stream) and not os.environ.get("NO_COLOR")


def paint_status(status: str, text: str) -> str:
    """`text`, in the colour of this VM status."""
    for statuses, colour in _STATUS_COLOURS:
        if status in statuses:
            return f"{colour}{text}{_RESET}"
    return text


def width() -> int:
    """Columns of the terminal; 80 where there is none."""
    return shutil.get_terminal_size().columns
