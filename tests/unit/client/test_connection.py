from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from tests.unit.client.agent import Agent
from vdsm.client.connection import Connection, NotOpen
from vdsm.client.endpoint import UnixEndpoint
from vdsm.client.errors import ConnectionError  # noqa: A004 - the client's own class, not the builtin
from vdsm.common.stomp import Frame, encode


class Recorder:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.losses: list[tuple[str, bool]] = []
        self.heard = threading.Event()
        self.closed = threading.Event()

    def opening_frames(self) -> list[bytes]:
        return [encode("SUBSCRIBE", {"id": "1", "destination": "q"})]

    def received(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.heard.set()

    def lost(self, reason: str, *, closed: bool) -> None:
        self.losses.append((reason, closed))
        if closed:
            self.closed.set()


def connection(path: str | None, recorder: Recorder, *, retries: int = 0) -> Connection:
    return Connection(
        UnixEndpoint(str(path)),
        recorder,
        heartbeat_ms=(30000, 0),
        retries=retries,
        connect_timeout=0.5,
        reconnect_interval=0.02,
    )


def test_connect_and_subscriptions_go_out_together(agent: Agent) -> None:
    recorder = Recorder()
    made = connection(agent.path, recorder)
    made.start()
    assert agent.subscribed.acquire(timeout=5)
    assert [command for command, _, _ in agent.frames] == ["CONNECT", "SUBSCRIBE"]
    assert agent.frames[0][1] == {"accept-version": "1.2", "host": "localhost", "heart-beat": "0,24000"}
    agent.publish("q", b"text")
    assert recorder.heard.wait(5)
    assert recorder.frames[0].body == b"text"
    made.close()
    assert recorder.losses[-1] == ("closed by the client", True)


def test_a_lost_connection_comes_back(agent: Agent) -> None:
    recorder = Recorder()
    made = connection(agent.path, recorder, retries=50)
    made.start()
    assert agent.subscribed.acquire(timeout=5)
    agent.drop()
    assert agent.subscribed.acquire(timeout=5)
    assert made.wait_open(time.monotonic() + 5)
    assert recorder.losses == [("the server closed the connection", False)]
    made.close()


def test_after_the_retries_it_is_closed(agent: Agent) -> None:
    recorder = Recorder()
    made = connection(agent.path, recorder, retries=2)
    made.start()
    agent.stop()
    assert recorder.closed.wait(5)
    with pytest.raises(NotOpen, match="Connection refused"):
        made.wait_open(time.monotonic() + 5)
    with pytest.raises(NotOpen):
        made.send(b"x")
    made.close()


def test_a_close_ends_the_retries(agent: Agent) -> None:
    recorder = Recorder()
    made = connection(agent.path, recorder, retries=10**6)
    made.start()
    agent.stop()
    while not recorder.losses:
        recorder.closed.wait(0.01)
    made.close()
    assert recorder.closed.is_set()


def test_a_server_that_says_nothing_is_no_connection(tmp_path: Path) -> None:
    done = threading.Event()

    def say_nothing(sock: socket.socket) -> None:
        done.wait(5)

    with Agent(path=str(tmp_path / "s"), raw=say_nothing) as agent:
        with pytest.raises(ConnectionError, match=r"no CONNECTED within 0\.5 seconds"):
            connection(agent.path, Recorder()).start()
        done.set()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (encode("ERROR", {"message": "Version unsupported"}), "answered ERROR: Version unsupported"),
        (encode("ERROR", {}, b"Version unsupported"), "answered ERROR: Version unsupported"),
        (b"\x16\x03\x01\x00\0", "does not speak STOMP"),
        (b"x" * 100_000, "does not speak STOMP"),
        (encode("CONNECTED", {"heart-beat": "never"}), "heart-beat is not two numbers"),
        (b"", r"the server closed the connection|Connection reset by peer"),
    ],
)
def test_a_bad_greeting_is_no_connection(tmp_path: Path, answer: bytes, reason: str) -> None:
    with (
        Agent(path=str(tmp_path / "s"), raw=lambda sock: sock.sendall(answer)) as agent,
        pytest.raises(ConnectionError, match=reason),
    ):
        connection(agent.path, Recorder()).start()


def test_closing_what_never_started_is_fine(agent: Agent) -> None:
    made = connection(agent.path, Recorder())
    made.close()
    made.close()
    with pytest.raises(NotOpen):
        made.send(b"x")


class Clumsy(Recorder):
    """A listener with a bug."""

    def received(self, frame: Frame) -> None:
        raise KeyError(frame.command)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_on_the_connections_thread_leaves_nobody_waiting(agent: Agent) -> None:
    recorder = Clumsy()
    made = connection(agent.path, recorder)
    made.start()
    assert agent.subscribed.acquire(timeout=5)
    agent.publish("q", b"text")
    assert recorder.closed.wait(5)
    with pytest.raises(NotOpen):
        made.send(b"x")
    made.close()
