from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervdsm.settings import Settings, load
from vdsm.common.errors import InvalidParameter


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_defaults_are_those_of_an_installed_host() -> None:
    settings = load(None)
    assert settings.agent_uid == settings.agent_gid == 36
    assert settings.kvm_device == "/dev/kvm"
    assert settings.channel_directory.startswith("/var/lib/libvirt/")


def test_the_file_and_then_the_command_line_count(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "conf",
        "[supervdsm]\nagent_uid = 40\nqemu_uid = 107\nchannel_directory = /c\nlibvirt_channel_directories = /a /b\n",
    )
    assert load(path).agent_uid == 40
    settings = load(path, agent_uid=41)
    assert (settings.agent_uid, settings.qemu_uid, settings.channel_directory) == (41, 107, "/c")
    assert settings.libvirt_channel_directories == ("/a", "/b")


def test_a_file_for_others_changes_nothing(tmp_path: Path) -> None:
    assert load(_write(tmp_path / "conf", "[vars]\nagent_uid = 1\n")) == load(None)


@pytest.mark.parametrize(
    "text",
    [
        "[supervdsm]\nsurprise = 1\n",
        "[supervdsm]\nqemu_uid = many\n",
        "[supervdsm]\nchannel_directory = relative\n",
        "no section\n",
    ],
)
def test_nonsense_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidParameter):
        load(_write(tmp_path / "conf", text))


def test_a_file_that_others_can_write_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "conf", "[supervdsm]\n")
    path.chmod(0o620)
    with pytest.raises(InvalidParameter, match="writable"):
        load(path)


@pytest.mark.root
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "conf", "[supervdsm]\n")
    os.chown(path, 36, 36)
    with pytest.raises(InvalidParameter, match="writable"):
        load(path)


def test_paths_must_be_absolute() -> None:
    with pytest.raises(InvalidParameter, match="absolute"):
        Settings(libvirt_channel_directories=("a",))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "conf"
    path.write_bytes(b"[supervdsm]\nagent_uid = \xff\n")
    path.chmod(0o644)
    with pytest.raises(InvalidParameter):
        load(path)
