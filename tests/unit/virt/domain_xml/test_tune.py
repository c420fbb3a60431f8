from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vdsm.common.errors import InvalidParameter
from vdsm.common.xml import parse
from vdsm.virt.domain_xml import tune
from vdsm.virt.domain_xml.tune import DeviceTune, TunePolicy

DOMAIN = """<domain><metadata xmlns:t="http://ovirt.org/vm/tune/1.0"><t:qos><t:vcpuLimit>50</t:vcpuLimit>
<t:ioTune><t:deviceList><t:device name="vda" path="/d"><t:guaranteed><t:total_bytes_sec>10</t:total_bytes_sec>
</t:guaranteed><t:maximum><t:read_iops_sec>7</t:read_iops_sec><t:other>1</t:other></t:maximum></t:device>
</t:deviceList></t:ioTune></t:qos></metadata></domain>"""

limits = st.dictionaries(
    st.sampled_from(["total_bytes_sec", "write_iops_sec", "read_iops_sec"]), st.integers(0, 10**18), max_size=3
)
devices = st.builds(
    DeviceTune,
    st.dictionaries(st.sampled_from(["name", "path", "imageID"]), st.from_regex(r"[a-z/ ]{0,9}", fullmatch=True)),
    limits,
    limits,
)


def test_reads_a_policy_from_a_definition() -> None:
    expected = DeviceTune({"name": "vda", "path": "/d"}, {"total_bytes_sec": 10}, {"read_iops_sec": 7})
    assert tune.read(parse(DOMAIN)) == TunePolicy(50, (expected,))


def test_no_policy_is_an_empty_one() -> None:
    assert tune.read(parse("<domain/>")) == TunePolicy()
    assert tune.read_text("<qos><vcpuLimit/></qos>") == TunePolicy()


def test_a_limit_that_is_no_number_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="vcpuLimit"):
        tune.read_text("<qos><vcpuLimit>many</vcpuLimit></qos>")


def test_an_unknown_limit_is_not_written() -> None:
    with pytest.raises(InvalidParameter, match="not a limit"):
        TunePolicy(devices=(DeviceTune({}, {"x": 1}),)).to_text()


@settings(deadline=None)
@given(st.none() | st.integers(0, 10**6), st.lists(devices, max_size=3))
def test_round_trip(vcpu_limit: int | None, listed: list[DeviceTune]) -> None:
    policy = TunePolicy(vcpu_limit, tuple(listed))
    assert tune.read_text(policy.to_text()) == policy
