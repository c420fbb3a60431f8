"""Every limit and deadline of the transport layer, in one place; the composition root may replace any of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from vdsm.common.stomp import StompLimits


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """Times are seconds, sizes are bytes.

    connections, local_connections: established ones per listener. handshakes: TLS handshakes under way; beyond
    it the oldest is dropped. detect_timeout covers handshake and first bytes, connect_timeout the wait for
    CONNECT after them. frames_per_turn: frames of one connection before others get their turn.
    event_backlog, reply_backlog: unread bytes that cost a peer its connection; drain_timeout: the time in which
    it must read them. write_high_water: unread bytes from which its requests wait.
    linger: how long a refused peer may take to read why; close_timeout: after that much nothing is flushed.
    """

    stomp: StompLimits = field(default_factory=StompLimits)
    connections: int = 200
    local_connections: int = 64
    handshakes: int = 64
    backlog: int = 128
    detect_timeout: float = 10.0
    connect_timeout: float = 10.0
    early_frames: int = 32
    subscriptions: int = 64
    frames_per_turn: int = 32
    write_high_water: int = 256 * 1024
    event_backlog: int = 4 * 1024 * 1024
    reply_backlog: int = 32 * 1024 * 1024
    drain_timeout: float = 30.0
    heart_beat_floor_ms: int = 1000
    heart_beat_grace: float = 0.5
    linger: float = 1.0
    close_timeout: float = 5.0
