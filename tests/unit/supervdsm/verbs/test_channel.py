from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from supervdsm.settings import Settings
from supervdsm.verbs import channel
from supervdsm.verbs.channel import SHORT_NAME_LENGTH, channel_directory_prepare, channel_open
from vdsm.common.errors import HelperError
from vdsm.models.privileged import ChannelDirectoryPrepare, ChannelOpen, FileAccess

pytestmark = pytest.mark.root
VM_ID = "6d1dcc3c-9bb4-4d0c-8d7a-9e3d0b1d2f11"
NAME: Final = "org.qemu.guest_agent.0"
QEMU = 107
STRANGER = 1234
Listen = Callable[..., Path]


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A short one: a socket's path has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="ch") as directory:
        yield Path(directory)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "ours").mkdir()
    (tmp_path / "target").mkdir()
    return Settings(
        qemu_uid=QEMU,
        channel_directory=str(tmp_path / "ours"),
        libvirt_channel_directories=(str(tmp_path / "absent"), str(tmp_path / "target")),
    )


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Listen]:
    """Makes a listening socket at a path below the test's directory."""
    made: list[socket.socket] = []

    def _listen(place: str, owner: int = QEMU, folder_owner: int = QEMU, backlog: int = 4) -> Path:
        path = tmp_path / place
        if not path.parent.exists():
            path.parent.mkdir()
            os.chown(path.parent, folder_owner, folder_owner)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.append(sock)
        sock.bind(str(path))
        sock.listen(backlog)
        os.chown(path, owner, owner)
        return path

    yield _listen
    for sock in made:
        sock.close()


def _open(settings: Settings, **more: Any) -> str:
    """The layout in which the channel was found; it is checked to be connected and closed."""
    result, fds = channel_open(ChannelOpen(vm_id=VM_ID, channel=NAME, **more), settings)
    with fds:
        (fd,) = fds.numbers
        assert not os.get_inheritable(fd)
        assert os.get_blocking(fd)
        with socket.socket(fileno=os.dup(fd)) as sock:
            assert sock.getpeername().endswith(NAME)
    return result.layout


def test_our_own_layout(settings: Settings, listen: Listen) -> None:
    listen(f"ours/{VM_ID}.{NAME}")
    assert _open(settings) == "direct"


def test_libvirts_layouts(settings: Settings, listen: Listen) -> None:
    listen(f"target/7-web.example/{NAME}")
    assert _open(settings, domain_id=7, domain_name="web.example") == "short"
    listen(f"target/domain-7-web.example/{NAME}", owner=0)
    assert _open(settings, domain_id=7, domain_name="web.example") == "domain"


def test_libvirt_cuts_long_names_by_character(settings: Settings, listen: Listen) -> None:
    name = "ж" * SHORT_NAME_LENGTH
    listen(f"target/domain-1-{name}/{NAME}")
    assert _open(settings, domain_id=1, domain_name=name + "more") == "domain"


def test_libvirts_folders_need_both_id_and_name(settings: Settings, listen: Listen) -> None:
    listen(f"target/domain-7-vm/{NAME}")
    for more in ({}, {"domain_id": 7}, {"domain_name": "vm"}, {"domain_id": 8, "domain_name": "vm"}):
        with pytest.raises(HelperError, match="no configured channel directory"):
            _open(settings, **more)


def test_a_link_in_place_of_the_socket_is_refused(settings: Settings, listen: Listen, tmp_path: Path) -> None:
    elsewhere = listen("private")
    (tmp_path / "ours" / f"{VM_ID}.{NAME}").symlink_to(elsewhere)
    with pytest.raises(HelperError, match="not a socket"):
        _open(settings)


def test_a_hard_link_in_place_of_the_socket_is_refused(settings: Settings, listen: Listen, tmp_path: Path) -> None:
    (tmp_path / "ours" / f"{VM_ID}.{NAME}").hardlink_to(listen("private"))
    with pytest.raises(HelperError, match="a link"):
        _open(settings)


def test_a_link_in_place_of_the_folder_is_refused(settings: Settings, listen: Listen, tmp_path: Path) -> None:
    listen(f"evil/{NAME}")
    (tmp_path / "target" / "domain-7-vm").symlink_to(tmp_path / "evil")
    with pytest.raises(HelperError):
        _open(settings, domain_id=7, domain_name="vm")


def test_a_link_in_place_of_the_directory_is_refused(settings: Settings, listen: Listen, tmp_path: Path) -> None:
    listen(f"evil/{VM_ID}.{NAME}")
    (tmp_path / "ours").rmdir()
    (tmp_path / "ours").symlink_to(tmp_path / "evil")
    with pytest.raises(HelperError):
        _open(settings)


@pytest.mark.parametrize("kind", ["file", "fifo", "directory"])
def test_what_is_no_socket_is_refused(settings: Settings, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "ours" / f"{VM_ID}.{NAME}"
    {"file": path.touch, "fifo": lambda: os.mkfifo(path), "directory": path.mkdir}[kind]()
    with pytest.raises(HelperError, match="not a socket"):
        _open(settings)


def test_a_strangers_socket_is_refused(settings: Settings, listen: Listen) -> None:
    listen(f"ours/{VM_ID}.{NAME}", owner=STRANGER)
    with pytest.raises(HelperError, match=f"belongs to the user {STRANGER}; only root"):
        _open(settings)


def test_a_strangers_folder_is_refused(settings: Settings, listen: Listen) -> None:
    listen(f"target/domain-7-vm/{NAME}", folder_owner=STRANGER)
    with pytest.raises(HelperError, match=f"belongs to the user {STRANGER}; only root"):
        _open(settings, domain_id=7, domain_name="vm")


def test_a_socket_that_nobody_serves_is_refused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "ours" / f"{VM_ID}.{NAME}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    with pytest.raises(HelperError, match="refused"):
        _open(settings)


def test_a_busy_channel_is_not_waited_for_without_end(
    settings: Settings, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "CONNECT_MICROSECONDS", 20_000)
    path = listen(f"ours/{VM_ID}.{NAME}", backlog=0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.connect(str(path))
        with pytest.raises(HelperError, match="another client"):
            _open(settings)


class TestDirectory:
    WANTED = FileAccess(uid=QEMU, gid=36, mode=0o770)

    def test_it_is_made_and_then_left_alone(self, settings: Settings, tmp_path: Path) -> None:
        (tmp_path / "ours").rmdir()
        first = channel_directory_prepare(ChannelDirectoryPrepare(), settings)
        assert (first.created, first.changed, first.before, first.after) == (True, False, None, self.WANTED)
        second = channel_directory_prepare(ChannelDirectoryPrepare(), settings)
        assert (second.created, second.changed, second.before) == (False, False, self.WANTED)
        assert (tmp_path / "ours").stat().st_uid == QEMU

    def test_a_wrong_owner_is_mended(self, settings: Settings) -> None:
        result = channel_directory_prepare(ChannelDirectoryPrepare(), settings)
        assert (result.created, result.changed) == (False, True)
        assert result.before is not None
        assert result.before.uid == 0
        assert result.after == self.WANTED

    def test_a_link_is_not_followed(self, settings: Settings, tmp_path: Path) -> None:
        (tmp_path / "ours").rmdir()
        (tmp_path / "ours").symlink_to(tmp_path / "target")
        with pytest.raises(HelperError):
            channel_directory_prepare(ChannelDirectoryPrepare(), settings)
        assert (tmp_path / "target").stat().st_uid == 0

    def test_a_missing_parent_is_an_error(self, tmp_path: Path) -> None:
        settings = Settings(qemu_uid=QEMU, channel_directory=str(tmp_path / "absent" / "ours"))
        with pytest.raises(HelperError, match="No such file"):
            channel_directory_prepare(ChannelDirectoryPrepare(), settings)

    def test_without_qemus_user_it_says_what_to_do(self) -> None:
        with pytest.raises(HelperError, match="configure qemu_uid"):
            channel_directory_prepare(ChannelDirectoryPrepare(), Settings(qemu_uid=None))
