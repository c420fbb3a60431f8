"""Logging: formats, correlation, rotation, levels at run time."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from vdsm.app import logging as agent_logging
from vdsm.app.logging import Logging, set_level
from vdsm.common.context import correlation
from vdsm.common.errors import InvalidParameter


@pytest.fixture(params=["human", "json"])
def any_format(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Logging]:
    set_up = Logging(str(tmp_path / "vdsm.log"), request.param, "INFO")
    yield set_up
    set_up.close()


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    return tmp_path / "vdsm.log"


@pytest.mark.parametrize("any_format", ["json"], indirect=True)
def test_json_carries_correlation_and_exception(any_format: Logging, log_path: Path) -> None:
    token = correlation.set("flow-9")
    try:
        raise ValueError("boom")
    except ValueError:
        logging.getLogger("vdsm.test").exception("Cannot do %s", "it")
    finally:
        correlation.reset(token)
    logging.getLogger("vdsm.test").info("after")
    first, second = (json.loads(line) for line in log_path.read_text().splitlines())
    assert (first["level"], first["logger"], first["message"]) == ("ERROR", "vdsm.test", "Cannot do it")
    assert first["correlation"] == "flow-9"
    assert "ValueError: boom" in first["exception"]
    assert "correlation" not in second


@pytest.mark.parametrize("any_format", ["human"], indirect=True)
def test_human_line_has_the_traditional_look_and_stays_one_line(any_format: Logging, log_path: Path) -> None:
    token = correlation.set("flow\n9")
    logging.getLogger("vdsm.test").warning("two\nlines")
    correlation.reset(token)
    (line,) = log_path.read_text().splitlines()
    assert "WARNING (MainThread) [vdsm.test] two\\nlines flow_id=flow\\n9 (test_logging:" in line


def test_records_below_the_level_are_not_written(any_format: Logging, log_path: Path) -> None:
    logging.getLogger("vdsm.test").debug("quiet")
    assert log_path.read_text() == ""


def test_the_call_log_writes_to_the_same_file(any_format: Logging, log_path: Path) -> None:
    logging.getLogger("vdsm.test").info("before")
    any_format.call_log._pending.append((0.0, "Host.ping2", "::1,1", "", 0.0, 0, ""))
    any_format.call_log.flush()
    assert "Host.ping2" in log_path.read_text().splitlines()[1]


def test_a_rotated_file_is_opened_again(any_format: Logging, log_path: Path) -> None:
    logging.getLogger("vdsm.test").info("one")
    log_path.rename(log_path.with_suffix(".1"))
    any_format.reopen()
    logging.getLogger("vdsm.test").info("two")
    assert "two" in log_path.read_text()
    assert "two" not in log_path.with_suffix(".1").read_text()


def test_rotation_without_a_signal_is_noticed(
    any_format: Logging, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_logging, "REOPEN_CHECK", 0.0)
    logging.getLogger("vdsm.test").info("one")
    log_path.rename(log_path.with_suffix(".1"))
    logging.getLogger("vdsm.test").info("two")
    logging.getLogger("vdsm.test").info("three")
    assert "three" in log_path.read_text()


def test_close_gives_the_root_logger_back(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    Logging(str(tmp_path / "vdsm.log"), "human", "DEBUG").close()
    assert logging.getLogger().handlers == before


def test_stderr_is_the_file_without_a_name(capfd: pytest.CaptureFixture[str]) -> None:
    set_up = Logging("", "human", "INFO")
    logging.getLogger("vdsm.test").info("to stderr")
    set_up.close()
    assert "to stderr" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("given", "level"), [("debug", logging.DEBUG), ("WARN", logging.WARNING), ("ERROR", logging.ERROR)]
)
def test_levels_change_by_name(given: str, level: int) -> None:
    set_level("vdsm.test.level", given)
    assert logging.getLogger("vdsm.test.level").level == level
    logging.getLogger("vdsm.test.level").setLevel(logging.NOTSET)


@pytest.mark.parametrize("level", ["", "LOUD", "10"])
def test_an_unknown_level_is_refused(level: str) -> None:
    with pytest.raises(InvalidParameter, match="expected one of DEBUG"):
        set_level("vdsm.test", level)


@pytest.mark.parametrize("any_format", ["human"], indirect=True)
def test_while_the_path_cannot_be_opened_no_line_is_lost(
    any_format: Logging, log_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_logging, "REOPEN_CHECK", 0.0)
    log = logging.getLogger("vdsm.test")
    log.info("first")
    log_path.rename(tmp_path / "old")
    log_path.mkdir()
    log.info("second")
    log_path.rmdir()
    log.info("third")
    assert "second" in (tmp_path / "old").read_text()
    assert "third" in log_path.read_text()


def test_names_that_nobody_logs_under_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    logging.getLogger("vdsm.test.known")
    monkeypatch.setattr(agent_logging, "MAX_LOGGERS", 0)
    set_level("vdsm.test.known", "INFO")
    set_level("", logging.getLevelName(logging.root.level))
    before = len(logging.root.manager.loggerDict)
    with pytest.raises(InvalidParameter, match="nothing logs"):
        set_level("vdsm.test." + "x" * 5000, "INFO")
    assert len(logging.root.manager.loggerDict) == before
