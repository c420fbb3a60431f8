from __future__ import annotations

import io

import pytest

from vdsm.client.status_line import StatusLine


class LiveStream(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_elsewhere_each_change_is_a_line() -> None:
    stream = io.StringIO()
    with StatusLine(stream) as line:
        assert line.tick_seconds is None
        for text in ("Powering up", "Powering up", "Up"):
            line.show(text)
            line.tick()
    assert stream.getvalue() == "Powering up\nUp\n"


def test_on_a_terminal_it_is_one_line_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = LiveStream()
    with StatusLine(stream) as line:
        assert line.tick_seconds
        line.show("Powering up")
        line.tick()
    shown = stream.getvalue()
    assert "\n" not in shown
    assert shown.count("Powering up") == 2
    assert shown.endswith("\r\x1b[K")


def test_a_long_text_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "20")
    stream = LiveStream()
    StatusLine(stream).show("x" * 100)
    assert len(stream.getvalue().replace("\r\x1b[K", "")) < 20
