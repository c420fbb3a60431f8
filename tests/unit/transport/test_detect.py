"""The protocol is known as early as its bytes allow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsm.common.stomp import COMMANDS
from vdsm.transport.detect import IsConsole, IsStomp, IsUnknown, detect


@pytest.mark.parametrize("command", COMMANDS)
def test_every_stomp_command_opens_a_connection(command: str) -> None:
    word = command.encode()
    assert detect(word + b"\n") == IsStomp(word + b"\n")
    assert detect(word) == IsStomp(word)


def test_four_bytes_are_enough_for_the_shortest_command() -> None:
    assert detect(b"SEN") is None
    assert detect(b"SEND") == IsStomp(b"SEND")


def test_leading_newlines_do_not_count() -> None:
    assert detect(b"\r\n\n") is None
    assert detect(b"\r\n\nCONNECT\n") == IsStomp(b"CONNECT\n")


@pytest.mark.parametrize(
    "data", [b"G", b"PUT /", b"STOMP\n", b"\x16\x03\x01", b"connect", b"SENT", b"\0", b"CONSOLE x\n"]
)
def test_what_cannot_become_ours_is_unknown_at_once(data: bytes) -> None:
    found = detect(data)
    assert isinstance(found, IsUnknown)
    assert repr(data[:16]) in found.reason


def test_console_request() -> None:
    assert detect(b"CONSOLE 12-ab\nls\n", console=True) == IsConsole("12-ab", b"ls\n")
    assert detect(b"CONSOLE 12-ab\r\n", console=True) == IsConsole("12-ab", b"")
    assert detect(b"CONSOLE 12-", console=True) is None
    assert detect(b"CON", console=True) is None
    assert detect(b"CONNECT", console=True) == IsStomp(b"CONNECT")


@pytest.mark.parametrize("data", [b"CONSOLE \n", b"CONSOLE \xc3\xa4\n", b"CONSOLE " + b"x" * 200, b"CONSOLX"])
def test_console_nonsense(data: bytes) -> None:
    assert isinstance(detect(data, console=True), IsUnknown)


@given(st.binary(min_size=1, max_size=30), st.booleans())
def test_the_answer_never_changes_with_more_bytes(data: bytes, console: bool) -> None:
    kinds = [type(detect(data[:end], console=console)) for end in range(1, len(data) + 1)]
    decided = [kind for kind in kinds if kind is not type(None)]
    assert len(set(decided)) <= 1
    assert kinds[len(kinds) - len(decided) :] == decided
