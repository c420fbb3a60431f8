"""The line of a call: batched, bounded, one line whatever a peer sends."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsm.app.call_log import LONGEST_DETAIL, CallLog, Entry, encode_human, encode_json

AT = 1_700_000_000.25
ENTRY: Entry = (AT, "Host.ping2", "::1,4242", "flow-1", 0.0001234, 0, "")


class Sink:
    """Collects what is written; `full` makes it refuse."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.written = asyncio.Event()
        self.full = False

    def __call__(self, content: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.writes.append(content)
        self.written.set()


async def test_lines_of_an_interval_are_one_write() -> None:
    sink = Sink()
    log = CallLog(encode_json, sink)
    for number in range(3):
        log.record("VM.getStats", "uid=36,pid=7", f"flow-{number}", 0.002, number)
    assert sink.writes == []
    async with asyncio.timeout(5):
        await sink.written.wait()
    lines = [json.loads(line) for line in sink.writes[0].splitlines()]
    assert len(sink.writes) == 1
    assert [(line["correlation"], line["code"]) for line in lines] == [("flow-0", 0), ("flow-1", 1), ("flow-2", 2)]
    assert lines[0]["duration_ms"] == 2.0


async def test_flush_at_exit_leaves_no_timer() -> None:
    sink = Sink()
    log = CallLog(encode_human, sink)
    log.record("Host.ping", "::1,1", "", 0.0, 0)
    log.flush()
    log.flush()
    assert len(sink.writes) == 1
    await asyncio.sleep(0.08)
    assert len(sink.writes) == 1


async def test_a_full_buffer_drops_counts_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    sink = Sink()
    log = CallLog(encode_json, sink, max_pending=2)
    for _ in range(5):
        log.record("Host.ping", "::1,1", "", 0.0, 0)
    log.flush()
    assert (len(sink.writes[0].splitlines()), log.dropped) == (2, 3)
    assert "dropped 3 lines" in caplog.text
    log.record("Host.ping", "::1,1", "", 0.0, 0)
    log.flush()
    assert (len(sink.writes), log.dropped) == (2, 3)


async def test_a_full_disk_is_counted_and_harms_no_call() -> None:
    sink = Sink()
    log = CallLog(encode_json, sink)
    sink.full = True
    log.record("Host.ping", "::1,1", "", 0.0, 0)
    log.flush()
    sink.full = False
    log.record("Host.ping", "::1,1", "", 0.0, 0)
    log.flush()
    assert (log.write_errors, len(sink.writes)) == (1, 1)


async def test_slow_calls_are_log_records_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log = CallLog(encode_json, Sink())
    log.record("VM.create", "::1,1", "", 0.9, 0)
    log.record("VM.destroy", "::1,1", "", 1.5, 0)
    log.flush()
    assert [record.getMessage() for record in caplog.records] == [
        "Slow call: VM.destroy from ::1,1 took 1.500 s, code 0"
    ]


def test_human_line() -> None:
    line = encode_human([ENTRY, (AT, "VM.destroy", "::1,1", "", 1.5, 1, "no such VM")]).decode()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(AT))
    assert line.splitlines() == [
        f"{stamp},250 INFO  [api] Host.ping2 from=::1,4242 flow_id=flow-1 duration=0.123ms code=0",
        f"{stamp},250 INFO  [api] VM.destroy from=::1,1 flow_id=- duration=1500.000ms code=1 no such VM",
    ]


def test_json_line() -> None:
    line = json.loads(encode_json([ENTRY]))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.250[+-]\d{4}", line.pop("time"))
    assert line == {
        "level": "INFO", "logger": "api", "method": "Host.ping2", "peer": "::1,4242", "duration_ms": 0.123,
        "code": 0, "correlation": "flow-1",
    }  # fmt: skip


ANY_TEXT = st.text(st.characters())


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_no_caller_can_forge_a_line(method: str, flow: str, detail: str) -> None:
    entry: Entry = (AT, method, "::1,1", flow, 0.0, 0, detail)
    assert encode_human([entry]).decode().count("\n") == 1
    assert len(encode_human([entry]).decode().splitlines()) == 1
    json_lines = encode_json([entry])
    assert json_lines.count(b"\n") == 1
    assert json.loads(json_lines)["code"] == 0


async def test_a_line_has_a_longest_length() -> None:
    written: list[bytes] = []
    log = CallLog(encode_human, written.append)
    log.record("VM.create", "p", "", 0.0, 91, "x" * 1_000_000)
    log.flush()
    assert LONGEST_DETAIL < len(written[0]) < LONGEST_DETAIL + 200
