from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from supervdsm.policy import Rule, build
from supervdsm.settings import Settings
from vdsm.common.descriptors import FdSet
from vdsm.common.errors import HelperError, InvalidParameter
from vdsm.models.privileged import OPERATIONS, ChannelOpen, ChannelOpenResult, Ping, PingResult

VM_ID = "6d1dcc3c-9bb4-4d0c-8d7a-9e3d0b1d2f11"


def test_every_operation_has_its_rule() -> None:
    rules = build(Settings())
    assert rules.keys() == OPERATIONS.keys()
    assert all(rule.spec is OPERATIONS[name].spec for name, rule in rules.items())


def test_no_operation_takes_an_argv_or_a_free_text() -> None:
    for operation in OPERATIONS.values():
        for field in msgspec.inspect.type_info(operation).fields:  # type: ignore[attr-defined]  # a struct's info
            kinds = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
            for kind in kinds:
                assert not isinstance(kind, msgspec.inspect.ListType | msgspec.inspect.DictType)
                assert not isinstance(kind, msgspec.inspect.StrType) or kind.pattern, field.name


def test_parameters_are_typed() -> None:
    rule = build(Settings())["channel_open"]
    params = rule.parse(json.dumps({"vm_id": VM_ID, "channel": "org.qemu.guest_agent.0"}).encode())
    assert rule.subject(params) == {"vm_id": VM_ID, "channel": "org.qemu.guest_agent.0"}


@pytest.mark.parametrize(
    "params", [b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"vm_id":"../..","channel":"org.qemu.guest_agent.0"}']
)
def test_bad_parameters_are_refused(params: bytes) -> None:
    with pytest.raises(InvalidParameter):
        build(Settings())["channel_open"].parse(params)


def test_a_result_is_encoded() -> None:
    rules = build(Settings())
    answer = rules["ping"].run(Ping())
    assert msgspec.json.decode(answer.result, type=PingResult).pid == os.getpid()
    assert not answer.fds


def test_an_answer_with_the_wrong_number_of_descriptors_is_an_error(tmp_path: Path) -> None:
    fds = FdSet([os.open(tmp_path, os.O_RDONLY)])
    rule = Rule(Ping, lambda _params, _settings: (PingResult(pid=1, uptime=1), fds), Settings())
    with pytest.raises(
        HelperError, match="failed to answer ping: the answer carries 1 descriptors, the operation has 0"
    ):
        rule.run(Ping())
    assert not fds


def test_too_large_an_answer_is_an_error() -> None:
    huge = ChannelOpenResult(layout="x" * 5000)  # type: ignore[arg-type]  # what a bug would make
    rule = Rule(ChannelOpen, lambda _params, _settings: huge, Settings())
    with pytest.raises(HelperError, match=r"the answer has 50[0-9]+ bytes, the operation allows"):
        rule.run(ChannelOpen(vm_id=VM_ID, channel="org.qemu.guest_agent.0"))
