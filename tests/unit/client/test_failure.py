from __future__ import annotations

from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure


def test_carries_code_and_text() -> None:
    failure = Failure(ExitCode.USAGE, "no such option")
    assert (failure.code, failure.text, str(failure)) == (ExitCode.USAGE, "no such option", "no such option")
