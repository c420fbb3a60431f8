"""The call log that rpc asks for is the one that the agent has."""

from __future__ import annotations

import inspect

from vdsm.app.call_log import CallLog as Writer
from vdsm.rpc.call_log import CallLog


def test_the_writer_fits_what_rpc_asks() -> None:
    assert inspect.signature(Writer.record) == inspect.signature(CallLog.record)
