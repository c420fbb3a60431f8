from __future__ import annotations

import pytest

from vdsm.client.heartbeat import HeartBeat
from vdsm.common.errors import RemoteProtocolError


def test_the_offer_has_grace() -> None:
    assert HeartBeat(30000, 0).offer() == "0,24000"
    assert HeartBeat(0, 10000).offer() == "12000,0"


@pytest.mark.parametrize(
    ("incoming", "outgoing", "answer", "receive", "send"),
    [
        (30000, 0, "24000,0", 30.0, None),
        (30000, 10000, "0,0", None, None),
        (0, 0, "24000,12000", None, None),
        (1000, 1000, "10000,12000", 12.0, 9.6),
        (30000, 5000, "24000,6000", 30.0, 5.0),
        (30000, 5000, "", None, None),
    ],
)
def test_what_is_agreed(incoming: int, outgoing: int, answer: str, receive: float | None, send: float | None) -> None:
    beat = HeartBeat(incoming, outgoing)
    beat.agree(answer)
    assert (beat.receive_timeout, beat.send_interval) == (receive, send)


def test_nonsense_is_a_protocol_error() -> None:
    with pytest.raises(RemoteProtocolError):
        HeartBeat(1, 1).agree("soon,later")
