"""Keep one daemon running: start it, wait for its end, start it again; slower each time it dies young.

On a host systemd does this. A record of pid and start time lets the next run end what a killed run left.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from devhost import processes

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_YOUNG = 10.0
"""Seconds; who lived longer starts again at once."""


class Supervised:
    """One daemon under supervision; `spawn` makes its process each time it is needed."""

    def __init__(self, name: str, record: Path, spawn: Callable[[], subprocess.Popen[bytes]]) -> None:
        self.name = name
        self.starts = 0
        self._record = record
        self._spawn = spawn
        self._changed = threading.Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def end_leftover(self) -> None:
        """End the process that an earlier, killed run left."""
        if self._record.exists():
            pid, _, started = self._record.read_text(encoding="ascii").partition(" ")
            if started and processes.start_time(int(pid)) == int(started):
                processes.end([int(pid)])

    def start(self) -> None:
        """Start the daemon, and supervise it from now on; call `end_leftover` before."""
        self._stopping = False
        first = self._launch()
        self._thread = threading.Thread(
            target=self._supervise, args=(first,), name=f"pool-supervise-{self.name}", daemon=True
        )  # fmt: skip
        self._thread.start()

    def kill(self) -> None:
        """SIGKILL, as a crash would be; it is started again."""
        process = self._process
        if process is not None:
            process.kill()

    def wait_restarted(self, starts: int, patience: float) -> None:
        """Wait until there were more than `starts` starts. Raises: TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.starts > starts, patience):
                raise TimeoutError(f"{self.name} was not started again in {patience:.0f} s")

    def stop(self, patience: float = 10.0) -> None:
        """SIGTERM, after `patience` seconds SIGKILL; no restart any more."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self.pid is not None:
            processes.end([self.pid], patience=patience)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._record.unlink(missing_ok=True)

    def _launch(self) -> subprocess.Popen[bytes] | None:
        with self._changed:
            if self._stopping:
                return None
            process = self._process = self._spawn()
            self.starts += 1
            self._changed.notify_all()
        self._record.write_text(f"{process.pid} {processes.start_time(process.pid)}\n", encoding="ascii")
        return process

    def _supervise(self, process: subprocess.Popen[bytes] | None) -> None:
        pause = 0.0
        while process is not None:
            started = time.monotonic()
            process.wait()
            pause = 0.0 if time.monotonic() - started > _YOUNG else min(max(pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
            with self._changed:
                self._changed.wait_for(lambda: self._stopping, pause)
            process = self._launch()
