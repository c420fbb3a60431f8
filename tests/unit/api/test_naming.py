"""Names of the wire as names of Python."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.naming import capitalised, snake_case


@pytest.mark.parametrize(
    ("wire", "python"),
    [
        ("vmID", "vm_id"),
        ("vmId", "vm_id"),
        ("gracefulAttempts", "graceful_attempts"),
        ("supportedENGINEs", "supported_engines"),
        ("guestIPs", "guest_ips"),
        ("HBAInventory", "hba_inventory"),
        ("ISCSIInitiatorName", "iscsi_initiator_name"),
        ("_X_tpmdata", "x_tpmdata"),
        ("vm.free_hugepages", "vm_free_hugepages"),
        ("storagedomainID", "storagedomain_id"),
        ("class", "class_"),
    ],
)
def test_snake_case(wire: str, python: str) -> None:
    assert snake_case(wire) == python


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9_]*", fullmatch=True))
def test_a_python_name_stays_what_it_is(wire: str) -> None:
    once = snake_case(wire)
    assert once == once.lower()
    assert snake_case(once.rstrip("_")) == once


def test_a_verb_in_the_name_of_a_class() -> None:
    assert capitalised("setTicket") == "SetTicket"
    assert capitalised("start_backup") == "StartBackup"
