"""The shell on a guest's serial line, through the agent's local socket."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Self


class GuestShell:
    """Root's shell of the tiny guest. One at a time per VM."""

    def __init__(self, api_socket: Path, vm_id: str) -> None:
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.settimeout(10)
        self._turn = 0
        try:
            self._sock.connect(str(api_socket))
            self._sock.sendall(f"CONSOLE {vm_id}\n".encode())
            answer = b""
            while not answer.endswith(b"\n"):
                answer += self._sock.recv(1)
            assert answer == b"OK\n", answer
        except BaseException:
            self._sock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def wait_ready(self, timeout: float = 60) -> Self:
        """Wait until the guest has booted to its prompt; what is typed before is lost."""
        self._sock.settimeout(0.5)
        seen = b""
        deadline = time.monotonic() + timeout
        while not seen.endswith((b"# ", b"# \x1b[6n")):
            assert time.monotonic() < deadline, f"no prompt in {timeout:g} s: {seen[-500:]!r}"
            try:
                more = self._sock.recv(4096)
            except TimeoutError:
                self.send("")
                continue
            assert more, f"the console ended: {seen[-500:]!r}"
            seen += more
        return self

    def send(self, line: str) -> None:
        """Type a line and do not wait."""
        self._sock.sendall(line.encode() + b"\n")

    def run(self, command: str, timeout: float = 20) -> str:
        """Run a command; what it printed. The serial line echoes, so the mark is made by the guest."""
        self._turn += 1
        self.send(f"{command}; echo ended''{self._turn}$?")
        mark = f"ended{self._turn}".encode()
        seen = b""
        deadline = time.monotonic() + timeout
        while mark not in seen:
            self._sock.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                more = self._sock.recv(4096)
            except TimeoutError:
                raise AssertionError(f"{command!r} did not end in {timeout:g} s: {seen[-500:]!r}") from None
            assert more, f"the console ended: {seen[-500:]!r}"
            seen += more
        return seen.partition(mark)[0].decode(errors="replace")
