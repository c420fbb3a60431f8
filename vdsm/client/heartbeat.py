"""STOMP heart-beats as arithmetic: what to offer, and what was agreed. Times in, times out; no clock, no socket.

We offer with a grace of a fifth: silence that we accept is longer than what we ask the server for, and we send more
often than we promise (as the Python client of oVirt VDSM 4.50 does).
"""

from __future__ import annotations

from vdsm.common.stomp import parse_heart_beat

_GRACE = 0.2


class HeartBeat:
    """The heart-beats of one connection.

    incoming_ms: silence of the server after which the connection counts as lost; 0 for never.
    outgoing_ms: we send something at least this often; 0 for never.
    """

    def __init__(self, incoming_ms: int, outgoing_ms: int) -> None:
        self._incoming_ms = incoming_ms
        self._outgoing_ms = outgoing_ms
        self.receive_timeout: float | None = None
        self.send_interval: float | None = None

    def offer(self) -> str:
        """Value of the heart-beat header of CONNECT."""
        return f"{int(self._outgoing_ms * (1 + _GRACE))},{int(self._incoming_ms * (1 - _GRACE))}"

    def agree(self, answer: str) -> None:
        """Take the heart-beat header of CONNECTED; an empty one agrees on none.

        Afterwards `receive_timeout` and `send_interval` hold seconds, or None. Raises: RemoteProtocolError.
        """
        server_sends, server_wants = parse_heart_beat(answer or "0,0")
        self.receive_timeout = self.send_interval = None
        if self._incoming_ms and server_sends:
            self.receive_timeout = max(self._incoming_ms, server_sends * (1 + _GRACE)) / 1000
        if self._outgoing_ms and server_wants:
            self.send_interval = max(self._outgoing_ms, server_wants * (1 - _GRACE)) / 1000
