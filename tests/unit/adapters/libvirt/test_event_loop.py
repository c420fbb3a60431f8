from __future__ import annotations

from vdsm.adapters.libvirt.event_loop import ensure_event_loop


def test_there_is_one_daemon_thread_per_process() -> None:
    thread = ensure_event_loop()
    assert thread is ensure_event_loop()
    assert thread.daemon
    assert thread.is_alive()
