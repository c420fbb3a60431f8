from __future__ import annotations

import io
import os

import pytest

from vdsm.client import terminal


def test_a_file_is_not_live() -> None:
    assert not terminal.is_live(io.StringIO())
    assert not terminal.has_colour(io.StringIO())


def test_a_terminal_is_live_unless_it_is_dumb(monkeypatch: pytest.MonkeyPatch) -> None:
    main, other = os.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with os.fdopen(other, "w") as stream:
        assert terminal.is_live(stream)
        assert terminal.has_colour(stream)
        monkeypatch.setenv("NO_COLOR", "1")
        assert not terminal.has_colour(stream)
        monkeypatch.setenv("TERM", "dumb")
        assert not terminal.is_live(stream)
    os.close(main)


def test_statuses_have_colours() -> None:
    assert terminal.paint_status("Up", "Up  ") == "\x1b[32mUp  \x1b[0m"
    assert terminal.paint_status("Unheard of", "x") == "x"


def test_width_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "123")
    assert terminal.width() == 123
