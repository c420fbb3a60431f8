"""A VM's serial console over the agent's local socket: raw bytes both ways, until Ctrl-] or its end.

The greeting is one line, `CONSOLE <vm id>`; the agent answers `OK` or `ERROR <text>`, then the bytes are the guest's.
A terminal is in raw mode meanwhile, and always restored, also when a signal ends us.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from vdsm.client.endpoint import UnixEndpoint
from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure

ESCAPE = b"\x1d"

_CHUNK = 64 * 1024
_UNSENT_LIMIT = 64 * 1024
_ANSWER_LIMIT = 4096
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Console:
    """An open console: its socket, and what the guest said already."""

    def __init__(self, sock: socket.socket, early: bytes) -> None:
        self.sock = sock
        self.early = early

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


def open_console(path: str, vm_id: str, timeout: float) -> Console:
    """Ask the agent at `path` for the console of a VM. Raises: ConnectionError, Failure."""
    sock = UnixEndpoint(path).open(timeout).sock
    try:
        sock.settimeout(timeout)
        sock.sendall(f"CONSOLE {vm_id}\n".encode())
        answer, early = _read_line(sock)
    except OSError as e:
        sock.close()
        code = ExitCode.TIMEOUT if isinstance(e, TimeoutError) else ExitCode.NO_CONNECTION
        reason = "no answer in time" if isinstance(e, TimeoutError) else e.strerror or str(e)
        raise Failure(code, f"cannot attach to the console of VM {vm_id}: {reason}") from e
    if answer != "OK":
        sock.close()
        reason = answer.removeprefix("ERROR ") or "the agent closed the connection"
        raise Failure(ExitCode.SERVER_ERROR, f"cannot attach to the console of VM {vm_id}: {reason}")
    sock.setblocking(False)
    return Console(sock, early)


def attach(console: Console, stdin: int, stdout: int, *, linger: float) -> str:
    """Carry bytes between the console and two file descriptors; why it ended, as a sentence.

    A terminal ends it with Ctrl-]. Another input may end: then the console's output is carried until it was silent
    for `linger` seconds. Raises: Failure, when the connection breaks.
    """
    interactive = os.isatty(stdin)
    with raw_mode(stdin):
        try:
            return _Pump(console, stdin, stdout, interactive=interactive, linger=linger).run()
        except BrokenPipeError:
            raise
        except OSError as e:
            raise Failure(ExitCode.NO_CONNECTION, f"the console broke: {e.strerror or e}") from e


@contextmanager
def raw_mode(fd: int) -> Iterator[None]:
    """The terminal `fd` in raw mode; nothing for what is no terminal. SIGTERM and SIGHUP end the block too."""
    if not os.isatty(fd):
        yield
        return
    saved = termios.tcgetattr(fd)
    handlers = {number: signal.signal(number, _leave) for number in _SIGNALS}
    try:
        tty.setraw(fd, termios.TCSANOW)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, saved)
        for number, handler in handlers.items():
            signal.signal(number, handler)


class _Pump:
    def __init__(self, console: Console, stdin: int, stdout: int, *, interactive: bool, linger: float) -> None:
        self._sock = console.sock
        self._stdin: int | None = stdin
        self._stdout = stdout
        self._interactive = interactive
        self._linger = linger
        self._out = bytearray()
        self._early = console.early

    def run(self) -> str:
        _write_all(self._stdout, self._early)
        heard = time.monotonic()
        while True:
            silent = self._stdin is None and not self._out
            left = heard + self._linger - time.monotonic() if silent else None
            if left is not None and left <= 0:
                return "The input has ended."
            readable, writable = self._wait(left)
            if self._stdin is not None and self._stdin in readable and not self._read_input(self._stdin):
                return "Left the console; the VM goes on."
            if self._sock in readable:
                heard = time.monotonic()
                if not self._read_console():
                    return "The console has ended."
            if self._stdin is None and self._out:
                heard = time.monotonic()
            if writable:
                self._send()

    def _wait(self, timeout: float | None) -> tuple[list[Any], list[Any]]:
        # A person's keys are always read, or Ctrl-] would not leave a console whose guest has stopped reading.
        full = len(self._out) >= _UNSENT_LIMIT and not self._interactive
        inputs: list[Any] = [self._sock]
        if self._stdin is not None and not full:
            inputs.append(self._stdin)
        outputs = [self._sock] if self._out else []
        readable, writable, _ = select.select(inputs, outputs, [], timeout)
        return readable, writable

    def _read_input(self, stdin: int) -> bool:
        """Take what was typed; False when the user leaves."""
        data = os.read(stdin, _CHUNK)
        if self._interactive:
            data, escape, _ = data.partition(ESCAPE)
            if escape:
                self._out += data
                self._send()
                return False
            if len(self._out) >= _UNSENT_LIMIT:
                _write_all(self._stdout, b"\a")
                return True
        if not data:
            self._stdin = None
        self._out += data
        return True

    def _read_console(self) -> bool:
        try:
            data = self._sock.recv(_CHUNK)
        except BlockingIOError:
            return True
        _write_all(self._stdout, data)
        return bool(data)

    def _send(self) -> None:
        try:
            sent = self._sock.send(self._out)
        except BlockingIOError:
            return
        del self._out[:sent]


def _read_line(sock: socket.socket) -> tuple[str, bytes]:
    data = b""
    while b"\n" not in data and len(data) < _ANSWER_LIMIT:
        more = sock.recv(_ANSWER_LIMIT)
        if not more:
            break
        data += more
    line, _, rest = data.partition(b"\n")
    return line.decode(errors="replace").strip(), rest


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
