"""What a newcomer types: make targets, the daemons' command lines, and their refusals."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from devhost import accounts, places
from devhost.run import BusyError, run_directory
from tests.e2e.host import Host


def _make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=places.CLONE, env={**clean, **environment},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def _vdsmd(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(places.VENV / "bin" / "vdsmd"), *arguments], user=accounts.VDSM_UID, group=accounts.VDSM_GID,
        extra_groups=[], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False, cwd="/",
    )  # fmt: skip


class TestMake:
    @pytest.mark.parametrize("arguments", [("help",), ()])
    def test_help_lists_every_target(self, arguments: tuple[str, ...]) -> None:
        shown = _make(*arguments).stdout
        listed = re.findall(r"^  make (\S+) +\S", shown, re.MULTILINE)
        assert set(listed) == {
            "help", "fmt", "lint", "types", "imports", "gen", "gen-check", "verbs", "test", "bench", "demo", "run",
            "clean",
        }  # fmt: skip

    def test_verbs_counts_all_and_per_class(self) -> None:
        done = _make("verbs")
        assert done.returncode == 0, done.stderr
        assert re.search(r"\b\d+ ?(/|of) ?205\b", done.stdout)
        for name in ("Host", "VM"):
            assert re.search(rf"\b{name}\b.*\d", done.stdout)

    def test_generated_files_are_current(self) -> None:
        done = _make("gen-check")
        assert done.returncode == 0, done.stdout + done.stderr

    def test_run_refuses_a_run_directory_in_use(self) -> None:
        with run_directory(places.INSTALL_ROOT / "run"):
            done = _make("run")
        assert done.returncode != 0
        assert "running already" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_run_directory_has_one_owner(self, public_path: Path) -> None:
        directory = public_path / "run"
        with run_directory(directory), pytest.raises(BusyError, match="running already"), run_directory(directory):
            raise AssertionError("two owners")
        with run_directory(directory) as again:
            assert again == directory


class TestVdsmd:
    def test_show_config(self, host: Host) -> None:
        config = str(host.daemons.directory / "vdsm.conf")
        done = _vdsmd("--show-config", "--config", config)
        assert done.returncode == 0, done.stderr
        assert f"management_port = {host.daemons.port}" in done.stdout
        assert f"# {config}" in done.stdout
        shown = json.loads(_vdsmd("--show-config", "--json", "--config", config).stdout)
        assert shown["sections"]["addresses"]["management_port"] == {"value": host.daemons.port, "origin": config}
        assert shown["sections"]["vars"]["vm_command_timeout"]["origin"] == "default"
        assert shown["unknown"] == []

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ("[addresses]\nmanagement_port = many\n", "management_port"),
            ("[vars]\nvm_sample_interval = -1\n", "vm_sample_interval"),
            ("no section\n", "line 1"),
        ],
    )
    def test_a_wrong_configuration_is_2_and_says_where(self, public_path: Path, text: str, named: str) -> None:
        config = public_path / "vdsm.conf"
        config.write_text(text, encoding="ascii")
        config.chmod(0o644)
        done = _vdsmd("--config", str(config))
        assert done.returncode == 2
        assert named in done.stderr
        assert str(config) in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_second_one_in_the_same_run_directory_is_refused(self, host: Host) -> None:
        done = _vdsmd("--config", str(host.daemons.directory / "vdsm.conf"))
        assert done.returncode == 1
        assert "cannot start" in done.stderr
        assert re.search(r"in use|already|another", done.stderr)
        assert "Traceback" not in done.stderr
        assert host.ask("Host.ping2") is True
        with host.local() as client:
            assert client.call("Host.ping2", {}) is True

    def test_help(self) -> None:
        done = _vdsmd("--help")
        assert done.returncode == 0
        assert "--show-config" in done.stdout
