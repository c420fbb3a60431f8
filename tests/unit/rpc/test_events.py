"""Fan-out of events."""

from __future__ import annotations

import json

from vdsm.common.clock import event_time_ms
from vdsm.rpc.events import EventHub


def test_every_listener_gets_every_event_in_order() -> None:
    hub = EventHub()
    first: list[bytes] = []
    second: list[bytes] = []
    hub.attach(first.append)
    detach = hub.attach(second.append)
    hub.publish("|virt|VM_status|a", {"a": {"status": "Up"}}, 17)
    detach()
    detach()
    hub.publish("|virt|VM_status|a", {"a": {"status": "Down"}}, 18)
    assert [json.loads(body)["params"]["notify_time"] for body in first] == [17, 18]
    assert len(second) == 1
    assert (hub.listeners, hub.published) == (1, 2)


def test_the_time_is_the_event_clock_by_default() -> None:
    hub = EventHub()
    got: list[bytes] = []
    hub.attach(got.append)
    before = event_time_ms()
    hub.publish("|net|host_conn|no_id", {})
    assert before <= json.loads(got[0])["params"]["notify_time"] <= event_time_ms()
