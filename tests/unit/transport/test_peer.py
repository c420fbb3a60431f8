"""Peers by address, certificate and kernel credentials."""

from __future__ import annotations

import os
import socket

import pytest

from vdsm.transport.peer import Credentials, common_name, local_peer, plain_address, read_credentials


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("", ""),
        ("nowhere", "nowhere"),
    ],
)
def test_addresses_are_shown_plain(address: str, shown: str) -> None:
    assert plain_address(address) == shown


def test_common_name() -> None:
    certificate = {"subject": ((("organizationName", "o"),), (("commonName", "engine.test"),))}
    assert common_name(certificate) == "engine.test"
    assert common_name({}) == ""


def test_credentials_come_from_the_kernel() -> None:
    here, there = socket.socketpair()
    with here, there:
        found = read_credentials(here)
    assert (found.pid, found.uid, found.gid) == (os.getpid(), os.geteuid(), os.getegid())
    assert found.groups == frozenset(os.getgroups()) | {os.getegid()}


def test_a_local_peer_is_named_by_uid_and_pid() -> None:
    peer = local_peer(Credentials(pid=7, uid=36, gid=36, groups=frozenset({36})))
    assert (peer.kind, str(peer), peer.uid) == ("unix", "uid=36,pid=7", 36)
