"""libvirt's documents in the manager's words."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.host.fakes import FakeHypervisorView, FakeVersions
from tests.unit.host.libvirt_documents import CAPABILITIES, DOMAIN_CAPABILITIES, WITHOUT_KVM
from vdsm.common.errors import BackendTimeout, InvalidParameter, LibvirtGone
from vdsm.host.hypervisor import HypervisorFacts, HypervisorInformation, read_facts


def test_facts() -> None:
    facts = read_facts(CAPABILITIES, DOMAIN_CAPABILITIES, "x86_64", FakeVersions())
    assert facts == HypervisorFacts(
        emulated_machines=("pc-i440fx-7.2", "pc", "q35", "pc-q35-7.2", "pc-kvm-only"),
        kvm=True,
        cpu_flags=("x2apic", "model_EPYC", "model_EPYC-IBRS", "spec_ctrl"),
        tsc_frequency="2596138000",
        tsc_scaling=True,
        libvirt_version=9_000_000,
        qemu_version=7_002_022,
    )


def test_kvm_is_only_what_libvirt_found_for_this_architecture() -> None:
    assert read_facts(WITHOUT_KVM, DOMAIN_CAPABILITIES, "x86_64", FakeVersions()).kvm is False
    foreign = read_facts(CAPABILITIES, DOMAIN_CAPABILITIES, "aarch64", FakeVersions())
    assert (foreign.kvm, foreign.emulated_machines) == (False, ())


async def test_libvirt_is_asked_once_also_by_callers_at_the_same_time() -> None:
    view = FakeHypervisorView()
    information = HypervisorInformation(view, "x86_64")
    first, second = await asyncio.gather(information.facts(), information.facts())
    assert first is second
    information.forget()
    await information.facts()
    assert view.asked == 2


async def test_a_libvirt_that_hangs_delays_each_caller_by_its_own_deadline_alone() -> None:
    view = FakeHypervisorView()
    view.answer.clear()
    information = HypervisorInformation(view, "x86_64")
    async with asyncio.timeout(2):
        outcomes = await asyncio.gather(*(information.facts(0.05) for _ in range(100)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {BackendTimeout}
    view.answer.set()
    assert (await information.facts()).kvm
    assert view.asked == 1


async def test_an_answer_from_before_forget_is_not_kept() -> None:
    view = FakeHypervisorView()
    view.answer.clear()
    information = HypervisorInformation(view, "x86_64")
    early = asyncio.create_task(information.facts())
    await asyncio.sleep(0)
    information.forget()
    view.answer.set()
    await early
    await information.facts()
    assert view.asked == 2


async def test_a_failure_is_not_kept() -> None:
    view = FakeHypervisorView()
    view.gone = True
    information = HypervisorInformation(view, "x86_64")
    with pytest.raises(LibvirtGone):
        await information.facts()
    view.gone = False
    assert (await information.facts()).kvm


@given(st.text("<>/capabilities guest='hvm'", max_size=80) | st.just("<a/>"))
def test_garbage_gives_facts_or_a_clean_error(text: str) -> None:
    try:
        facts = read_facts(text, text, "x86_64", FakeVersions())
    except InvalidParameter:
        facts = HypervisorFacts()
    assert facts.kvm is False
