"""The command line of vdsmd."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vdsm.__main__ import main


def test_the_configuration_in_force_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "vdsm.conf"
    config.write_text("[addresses]\nmanagement_port = 5\n", encoding="utf-8")
    assert main(["--config", str(config), "--show-config"]) == 0
    assert "management_port = 5" in capsys.readouterr().out
    assert main(["--config", str(config), "--show-config", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["sections"]["addresses"]["management_port"]["origin"] == str(config)


@pytest.mark.parametrize("text", ["[addresses]\nmanagement_port = many\n", "no section\n"])
def test_a_wrong_configuration_is_told_and_exits_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    config = tmp_path / "vdsm.conf"
    config.write_text(text, encoding="utf-8")
    assert main(["--config", str(config)]) == 2
    assert str(config) in capsys.readouterr().err


def test_a_configuration_that_is_not_there_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(tmp_path / "absent.conf")]) == 2
    assert "absent.conf" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "vdsm.conf"
    config.write_text(f"[vdsmd]\nlog_file = {tmp_path}/absent/vdsm.log\n", encoding="utf-8")
    assert main(["--config", str(config)]) == 1
    assert "absent/vdsm.log" in capsys.readouterr().err


def test_why_it_cannot_start_is_in_its_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, log = tmp_path / "vdsm.conf", tmp_path / "vdsm.log"
    config.write_text(
        f"[vars]\nssl = false\n[vdsmd]\nlog_file = {log}\nsocket_group = nobody-has-it\n", encoding="utf-8"
    )
    assert main(["--config", str(config)]) == 1
    assert "nobody-has-it" in log.read_text(encoding="utf-8")
    assert capsys.readouterr().err.count("nobody-has-it") == 1
