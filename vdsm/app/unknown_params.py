"""One warning per client and verb about parameters that the verb does not have; then silence."""

from __future__ import annotations

import logging

from vdsm.common.context import CallContext

log = logging.getLogger(__name__)

REMEMBERED = 4096


class UnknownParamsLog:
    """Remembers who was warned about which verb, up to a limit, after which it begins anew."""

    def __init__(self) -> None:
        self._warned: set[tuple[str, str]] = set()

    def note(self, context: CallContext, names: tuple[str, ...]) -> None:
        """A call carried parameters that its verb does not have."""
        peer = context.peer
        client = peer.subject or peer.address.rpartition(",")[0] or peer.address
        key = (client, context.method)
        if key in self._warned:
            return
        if len(self._warned) >= REMEMBERED:
            self._warned.clear()
        self._warned.add(key)
        shown = ", ".join(repr(name[:64]) for name in names[:10])
        log.warning("%s sends %s parameters that it does not have, they are ignored: %s", client, context.method, shown)
