"""Live progress: one line per step with the time since the start; a spinner on a terminal alone.

Where the output is no terminal (CI), a step that takes long says every few seconds that it is alive.
Standard library alone.
"""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Self, TextIO

_SPINNER = "|/-\\"
_TERMINAL_PERIOD = 0.15
_PLAIN_PERIOD = 5.0
_WIDTH = 110


class Progress:
    """The steps of one program run."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._started = time.monotonic()
        self.is_terminal = self._stream.isatty()

    def step(self, title: str) -> Step:
        """A step as a context manager; an exception that leaves it marks it as failed and goes on."""
        return Step(self, title)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def line(self, text: str) -> None:
        """One whole line, in place of the live one."""
        self._write(("\r\033[K" if self.is_terminal else "") + f"{self.elapsed:6.1f}s  {text}\n")

    def live(self, text: str) -> None:
        """The line that the next one replaces; terminal alone."""
        self._write(f"\r\033[K{self.elapsed:6.1f}s  {text}"[:_WIDTH])

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class Step:
    """One step: `say()` tells what it is about at the moment, `result` what came out of it."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._title = title
        self._detail = ""
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)
        self._started = 0.0
        self.result = ""

    def say(self, detail: str) -> None:
        """Show what is going on."""
        self._detail = detail

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._ticker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._ended.set()
        self._ticker.join()
        took = time.monotonic() - self._started
        if kind is not None:
            self._progress.line(f"FAILED  {self._title} (after {took:.1f} s)")
        else:
            self._progress.line(f"{self._title}{': ' if self.result else ''}{self.result} ({took:.1f} s)")

    def _tick(self) -> None:
        period = _TERMINAL_PERIOD if self._progress.is_terminal else _PLAIN_PERIOD
        turn = 0
        while not self._ended.wait(period):
            turn += 1
            text = f"{self._title} ... {self._detail}"
            if self._progress.is_terminal:
                self._progress.live(f"{_SPINNER[turn % len(_SPINNER)]} {text}")
            else:
                self._progress.line(text)
