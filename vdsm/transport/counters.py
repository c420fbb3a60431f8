"""What the transport counts: plain integers, cheap enough for the hot path; for a metrics endpoint."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TransportCounters:
    """`connections` is a level; everything else only grows.

    refused: peers turned away by a limit or for lack of rights. cut_consumers: peers that did not read.
    dropped_replies: replies to a destination that their connection is not subscribed to.
    """

    connections: int = 0
    accepted: int = 0
    refused: int = 0
    handshake_failures: int = 0
    cut_consumers: int = 0
    silent_peers: int = 0
    frames_in: int = 0
    frames_out: int = 0
    protocol_errors: int = 0
    dropped_replies: int = 0
