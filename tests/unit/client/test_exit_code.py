from __future__ import annotations

from vdsm.client import exit_code
from vdsm.client.exit_code import MEANINGS, ExitCode


def test_numbers_are_a_promise() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "SERVER_ERROR": 1,
        "USAGE": 2,
        "NO_CONNECTION": 3,
        "TIMEOUT": 4,
        "VM_DOWN": 5,
        "NO_SUCH_VM": 6,
        "INCOMPLETE": 7,
        "NO_OUTPUT": 8,
        "INTERRUPTED": 130,
    }


def test_each_code_is_documented() -> None:
    assert [code for code, _ in MEANINGS] == list(ExitCode)
    for code, _ in MEANINGS:
        assert f"\n{code.value}  " in (exit_code.__doc__ or "")
