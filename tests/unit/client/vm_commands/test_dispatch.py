from __future__ import annotations

import pytest

from tests.unit.client.vm_commands.conftest import Run
from vdsm.client.vm_commands.dispatch import vm_parser


def test_options_may_follow_the_command() -> None:
    options = vm_parser().parse_args(["list", "--json", "-a", "h"])
    assert (options.command, options.json, options.host) == ("list", True, "h")
    assert not hasattr(vm_parser().parse_args(["list"]), "json")


def test_shutdowns_timeout_is_the_guests() -> None:
    options = vm_parser().parse_args(["shutdown", "web", "--timeout", "7"])
    assert options.guest_timeout == 7
    assert not hasattr(options, "timeout")
    assert vm_parser().parse_args(["show", "web", "--timeout", "7"]).timeout == 7.0


@pytest.mark.parametrize("command", ["list", "show", "start", "shutdown", "stats", "console"])
def test_each_command_has_help(vm: Run, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert vm(command, "-h") == 0
    assert f"usage: vdsm-client vm {command}" in capsys.readouterr().out
