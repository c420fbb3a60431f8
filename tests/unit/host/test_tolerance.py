"""One fact that fails costs itself and one line."""

from __future__ import annotations

import logging

import pytest

from vdsm.common.errors import BackendError, Recovering, RemoteProtocolError, ResourceExhausted, VdsmError
from vdsm.host.tolerance import Tolerance


def broken() -> int:
    raise BackendError(backend="the kernel", operation="tell /x", cause="gone")


async def broken_later() -> int:
    return broken()


def test_a_failure_is_told_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    tolerance = Tolerance()
    assert [tolerance.read("x", broken, 7) for _ in range(3)] == [7, 7, 7]
    assert tolerance.failing == {"x"}
    assert tolerance.read("x", lambda: 1, 7) == 1
    assert [record.message for record in caplog.records] == [
        "Host information without x: the kernel failed to tell /x: gone",
        "Host information with x again",
    ]


async def test_the_same_for_what_is_awaited() -> None:
    tolerance = Tolerance()
    assert await tolerance.fetch("x", broken_later(), 7) == 7
    assert tolerance.failing == {"x"}


def test_a_bug_is_not_tolerated() -> None:
    with pytest.raises(ZeroDivisionError):
        Tolerance().read("x", lambda: 1 // 0, 7)


@pytest.mark.parametrize(
    "error", [ResourceExhausted(resource="x", limit=1, remedy="y"), RemoteProtocolError(reason="x"), Recovering()]
)
def test_every_error_of_the_tree_is_tolerated(error: VdsmError) -> None:
    def fail() -> int:
        raise error

    assert Tolerance().read("x", fail, 7) == 7
