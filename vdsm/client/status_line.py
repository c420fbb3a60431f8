"""One line that tells what is happening: redrawn with a spinner on a terminal, one line per change elsewhere.

It goes to stderr, so that stdout carries results alone.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self, TextIO

from vdsm.client import terminal

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
TICK = 0.1
"""Seconds between two drawings of the spinner."""


class StatusLine:
    """`show` the present state, `tick` while waiting; leaving the `with` block clears the line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = terminal.is_live(stream)
        self._text = ""
        self._started = time.monotonic()
        self._frame = 0

    @property
    def tick_seconds(self) -> float | None:
        """How often `tick` wants to be called, or None for never."""
        return TICK if self._live else None

    def show(self, text: str) -> None:
        """The state now is `text`."""
        if text == self._text:
            return
        self._text = text
        if self._live:
            self.tick()
        else:
            self._stream.write(text + "\n")
            self._stream.flush()

    def tick(self) -> None:
        """Draw the line again, with the seconds that have passed."""
        if not self._live or not self._text:
            return
        self._frame = (self._frame + 1) % len(_FRAMES)
        line = f"{_FRAMES[self._frame]} {self._text} ({time.monotonic() - self._started:.1f} s)"
        self._stream.write("\r\x1b[K" + line[: terminal.width() - 1])
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._live and self._text:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
        self._text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
