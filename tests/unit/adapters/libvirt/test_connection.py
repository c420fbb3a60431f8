from __future__ import annotations

import threading

import libvirt
import pytest

from tests.unit.adapters.libvirt.conftest import TEST_URI
from vdsm.adapters.libvirt.connection import (
    ConnectionSettings,
    Credentials,
    ThreadConnections,
    blocking_close,
    blocking_open,
)
from vdsm.common.errors import LibvirtGone


def test_a_socket_that_is_not_there_is_libvirt_gone() -> None:
    with pytest.raises(LibvirtGone):
        blocking_open(ConnectionSettings("qemu+unix:///system?socket=/nonexistent/libvirt-sock"))


def test_the_password_is_not_in_the_representation() -> None:
    settings = ConnectionSettings(TEST_URI, Credentials("vdsm@ovirt", "hunter2"))
    assert "hunter2" not in repr(settings)
    assert "vdsm@ovirt" in repr(settings)


def test_credentials_are_offered() -> None:
    connection = blocking_open(ConnectionSettings(TEST_URI, Credentials("user", "password")))
    assert connection.isAlive() == 1
    blocking_close(connection)


def test_each_thread_has_its_own_and_keeps_it() -> None:
    connections = ThreadConnections(ConnectionSettings(TEST_URI))
    seen: list[list[libvirt.virConnect]] = []

    def work() -> None:
        seen.append([connections.blocking_call(lambda conn: conn) for _ in range(2)])

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    (first, second), (third, fourth) = seen
    assert first is second
    assert third is fourth
    assert first is not third


def test_a_broken_connection_is_opened_again() -> None:
    connections = ThreadConnections(ConnectionSettings(TEST_URI))
    first = connections.blocking_call(lambda conn: conn)

    def breaks(_conn: libvirt.virConnect) -> None:
        raise LibvirtGone(operation="x")

    with pytest.raises(LibvirtGone):
        connections.blocking_call(breaks)
    second = connections.blocking_call(lambda conn: conn)
    assert second is not first
    second.close()
    assert connections.blocking_call(lambda conn: conn.isAlive()) == 1
