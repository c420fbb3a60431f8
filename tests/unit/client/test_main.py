from __future__ import annotations

import subprocess

from tests.unit.client.conftest import ROOT


def test_the_module_is_the_command(command: list[str]) -> None:
    done = subprocess.run([*command, "-h"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "exit codes:" in done.stdout
    wrong = subprocess.run([*command, "--nonsense"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
