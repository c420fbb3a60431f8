from __future__ import annotations

import base64
import logging
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.virt.bed import VmBed, context, with_display_and_cd
from vdsm.common.errors import (
    InvalidParameter,
    LibvirtError,
    MonitorUnresponsive,
    OperationUnsupported,
    TicketFailed,
    VMNotRunning,
)
from vdsm.common.xml import parse
from vdsm.virt.status import VmStatus

SECRET = "s3cretpa"


async def _password(bed: VmBed, vm_id: str) -> tuple[str | None, datetime]:
    found = parse(await bed.fake.domain_xml(vm_id, secure=True)).find("devices/graphics")
    assert found is not None
    until = found.get("passwdValidTo")
    assert until is not None
    return found.get("passwd"), datetime.fromisoformat(until).replace(tzinfo=UTC)


async def test_a_ticket_sets_password_and_expiry_live_alone(bed: VmBed) -> None:
    vm_id = await bed.up(with_display_and_cd())
    await bed.display.set_ticket(context(), vm_id, SECRET, 120, "disconnect")
    password, until = await _password(bed, vm_id)
    assert password == SECRET
    assert abs(until - datetime.now(UTC) - timedelta(seconds=120)) < timedelta(seconds=5)
    stored = await bed.fake.domain_xml(vm_id, inactive=True, secure=True)
    assert SECRET not in stored
    assert SECRET not in bed.queries.definitions([])[vm_id]


@pytest.mark.parametrize("ttl", [0, -1])
async def test_no_time_locks_the_display(bed: VmBed, ttl: int) -> None:
    vm_id = await bed.up(with_display_and_cd())
    await bed.display.set_ticket(context(), vm_id, SECRET, ttl, "keep")
    _, until = await _password(bed, vm_id)
    assert until <= datetime.now(UTC)


async def test_secrets_reach_no_log_and_no_error(bed: VmBed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    vm_id = await bed.up(with_display_and_cd())
    bed.fake.faults.fail_next("update_device", LibvirtError(operation="update_device", vm_id=vm_id, cause="odd"))
    with pytest.raises(TicketFailed) as caught:
        await bed.display.set_ticket(context(), vm_id, SECRET, 120, "keep")
    with pytest.raises(InvalidParameter) as bad:
        await bed.display.set_ticket(context(), vm_id, f"{SECRET}\x00", 120, "keep")
    await bed.display.set_ticket(context(), vm_id, SECRET, 120, "keep")
    for text in (caplog.text, str(caught.value), repr(caught.value.fields), str(bad.value), repr(bad.value.fields)):
        assert SECRET not in text


async def test_what_cannot_have_a_ticket_says_so(bed: VmBed) -> None:
    plain = await bed.up()
    with pytest.raises(TicketFailed):
        await bed.display.set_ticket(context(), plain, SECRET, 120, "keep")
    with pytest.raises(InvalidParameter):
        await bed.display.set_ticket(context(), plain, SECRET, 2**40, "keep")
    bed.fake.guests.power_off(plain)
    await bed.reaches(plain, VmStatus.DOWN)
    with pytest.raises(VMNotRunning):
        await bed.display.set_ticket(context(), plain, SECRET, 120, "keep")
    with pytest.raises(VMNotRunning):
        await bed.display.screenshot(context(), plain)


async def test_a_screenshot_is_base64_with_its_type(bed: VmBed) -> None:
    vm_id = await bed.up()
    answer = await bed.display.screenshot(context(), vm_id)
    assert base64.b64decode(answer["data"]).startswith(b"P6")
    assert answer["encoding"] == "base64"
    assert answer["mime_type"] == "image/x-portable-pixmap"


async def test_a_hypervisor_that_cannot_take_one_is_a_typed_error(bed: VmBed) -> None:
    vm_id = await bed.up()
    refused = OperationUnsupported(vm_id=vm_id, operation="screenshot", reason="no screens")
    bed.fake.faults.fail_next("screenshot", refused)
    with pytest.raises(OperationUnsupported):
        await bed.display.screenshot(context(), vm_id)
    bed.fake.faults.hang_monitor(vm_id)
    await bed.sampling.sweep()
    with pytest.raises(MonitorUnresponsive):
        await bed.display.screenshot(context(), vm_id)
