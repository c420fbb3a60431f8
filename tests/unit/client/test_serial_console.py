from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.client.agent import Agent
from tests.unit.client.conftest import ROOT
from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure
from vdsm.client.serial_console import Console, attach, open_console, raw_mode

VM = "11111111-2222-3333-4444-555555555555"


def guest(sock: socket.socket) -> None:
    """Greets, then answers every byte with its upper-case letter, until `q`."""
    greeting = sock.recv(100)
    assert greeting == f"CONSOLE {VM}\n".encode()
    sock.sendall(b"OK\nlogin: ")
    while (data := sock.recv(100)) and b"q" not in data:
        sock.sendall(data.upper())


def console_agent(tmp_path: Path, raw: Callable[[socket.socket], None] = guest) -> Agent:
    return Agent(path=str(tmp_path / "console.sock"), raw=raw)


def open_to(agent: Agent, timeout: float = 5) -> Console:
    return open_console(str(agent.path), VM, timeout)


def run_attached(agent: Agent, stdin: int, tmp_path: Path, linger: float = 0.2) -> tuple[str, bytes]:
    with open_to(agent) as console, (tmp_path / "out").open("wb") as out:
        ended = attach(console, stdin, out.fileno(), linger=linger)
    return ended, (tmp_path / "out").read_bytes()


def test_a_piped_input_is_sent_and_answered(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, b"hello")
    os.close(write)
    with console_agent(tmp_path) as agent:
        ended, output = run_attached(agent, read, tmp_path)
    os.close(read)
    assert (ended, output) == ("The input has ended.", b"login: HELLO")


def test_ctrl_bracket_in_a_pipe_is_data(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, b"a\x1db")
    os.close(write)
    with console_agent(tmp_path) as agent:
        _, output = run_attached(agent, read, tmp_path)
    os.close(read)
    assert output == b"login: A\x1dB"


def test_the_end_of_the_console_ends_it(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, b"q")
    with console_agent(tmp_path) as agent:
        ended, _ = run_attached(agent, read, tmp_path, linger=60)
    os.close(read)
    os.close(write)
    assert ended == "The console has ended."


def test_much_input_reaches_a_slow_guest_whole(tmp_path: Path) -> None:
    size = 3_000_000
    received = bytearray()
    go_on = threading.Event()

    def slow(sock: socket.socket) -> None:
        sock.recv(100)
        sock.sendall(b"OK\n")
        go_on.wait(0.2)
        while len(received) < size:
            received.extend(sock.recv(65536))

    (tmp_path / "in").write_bytes(bytes(range(256)) * (size // 256) + b"x" * (size % 256))
    with console_agent(tmp_path, slow) as agent, (tmp_path / "in").open("rb") as stdin:
        ended, _ = run_attached(agent, stdin.fileno(), tmp_path, linger=60)
    assert ended == "The console has ended."
    assert bytes(received) == (tmp_path / "in").read_bytes()


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        (b"ERROR Virtual machine does not exist\n", ExitCode.SERVER_ERROR, "Virtual machine does not exist"),
        (b"ERR", ExitCode.SERVER_ERROR, "ERR"),
        (b"", ExitCode.SERVER_ERROR, "the agent closed the connection"),
    ],
)
def test_a_refusal_is_told(tmp_path: Path, answer: bytes, code: ExitCode, text: str) -> None:
    def refuse(sock: socket.socket) -> None:
        sock.recv(100)
        sock.sendall(answer)

    with console_agent(tmp_path, refuse) as agent, pytest.raises(Failure, match=text) as caught:
        open_to(agent)
    assert caught.value.code is code


def test_no_answer_is_a_timeout(tmp_path: Path) -> None:
    done = threading.Event()

    def say_nothing(_: socket.socket) -> None:
        done.wait(5)

    with console_agent(tmp_path, say_nothing) as agent:
        with pytest.raises(Failure, match="no answer in time") as caught:
            open_to(agent, timeout=0.1)
        done.set()
    assert caught.value.code is ExitCode.TIMEOUT


class Person:
    """Sits at a terminal and runs `vdsm-client vm console`."""

    def __init__(self, agent: Agent) -> None:
        self.main, terminal = os.openpty()
        self.before = termios.tcgetattr(terminal)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vdsm.client", "--socket", str(agent.path), "vm", "console", VM],
            cwd=ROOT,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        self.terminal = terminal
        self.seen = b""

    def expect(self, text: bytes) -> None:
        while text not in self.seen:
            assert select.select([self.main], [], [], 10)[0], self.seen
            self.seen += os.read(self.main, 4096)

    def type(self, keys: bytes) -> None:
        os.write(self.main, keys)

    def leave(self) -> int:
        code = self.process.wait(10)
        assert termios.tcgetattr(self.terminal) == self.before
        os.close(self.main)
        os.close(self.terminal)
        return code


def test_a_person_types_and_leaves(tmp_path: Path) -> None:
    with console_agent(tmp_path) as agent:
        person = Person(agent)
        person.expect(b"Ctrl-] leaves.")
        person.expect(b"login: ")
        person.type(b"root\r\x03")
        person.expect(b"ROOT\r\x03")
        person.type(b"\x1d")
        person.expect(b"Left the console")
        assert person.leave() == 0


def test_a_signal_restores_the_terminal(tmp_path: Path) -> None:
    with console_agent(tmp_path) as agent:
        person = Person(agent)
        person.expect(b"login: ")
        person.process.send_signal(signal.SIGTERM)
        assert person.leave() == 128 + signal.SIGTERM


def test_a_guest_that_stops_reading_can_be_left(tmp_path: Path) -> None:
    done = threading.Event()

    def deaf(sock: socket.socket) -> None:
        sock.recv(100)
        sock.sendall(b"OK\n")
        done.wait(10)

    main, terminal = os.openpty()
    with console_agent(tmp_path, deaf) as agent, open_to(agent) as console, (tmp_path / "out").open("wb") as out:
        console.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

        def type_much() -> None:
            for _ in range(200):
                os.write(main, b"x" * 1000)
            os.write(main, b"\x1d")

        typist = threading.Thread(target=type_much)
        # Raw before the first key, or the line discipline drops what is too long for a line.
        with raw_mode(terminal):
            typist.start()
            ended = attach(console, terminal, out.fileno(), linger=60)
        typist.join(5)
        done.set()
    os.close(main)
    os.close(terminal)
    assert ended == "Left the console; the VM goes on."
    assert b"\a" in (tmp_path / "out").read_bytes()
