"""The codec: round trips under any chunking, the dialect's rules, every limit, and damaged input."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsm.common.errors import LocalProtocolError, RemoteProtocolError
from vdsm.common.stomp import (
    Frame,
    Parser,
    StompLimits,
    encode,
    escape,
    message,
    message_prefix,
    parse_heart_beat,
)

_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
_name = _text.filter(lambda name: name not in ("", "content-length"))
_frames = st.builds(
    Frame,
    command=st.one_of(st.sampled_from(["SEND", "MESSAGE", "RECEIPT"]), _text.filter(bool)),
    headers=st.dictionaries(_name, _text, max_size=6),
    body=st.binary(max_size=300),
)


def _parse(data: bytes, limits: StompLimits | None = None) -> list[Frame]:
    parser = Parser(limits)
    parser.feed(data)
    return _drain(parser)


def _drain(parser: Parser) -> list[Frame]:
    found = []
    while (frame := parser.next_frame()) is not None:
        found.append(frame)
    return found


def _reason(data: bytes, limits: StompLimits | None = None) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        _parse(data, limits)
    return caught.value.message


@given(st.lists(_frames, max_size=4), st.lists(st.integers(1, 60), min_size=1, max_size=30), st.data())
def test_round_trip_under_any_chunking(frames: list[Frame], cuts: list[int], data: st.DataObject) -> None:
    wire = b"".join(encode(f.command, f.headers, f.body) + b"\n" * data.draw(st.integers(0, 2)) for f in frames)
    parser = Parser()
    found = []
    position = turn = 0
    while position < len(wire):
        step = cuts[turn % len(cuts)]
        parser.feed(wire[position : position + step])
        found += _drain(parser)
        position += step
        turn += 1
    for frame in found:
        frame.headers.pop("content-length", None)
    assert found == frames
    assert parser.buffered == 0


def test_one_byte_at_a_time_and_all_at_once_agree() -> None:
    wire = b"CONNECT\naccept-version:1.2\n\n\0\n\nSEND\ndestination:a\ncontent-length:3\n\na\0b\0"
    parser = Parser()
    found = []
    for index in range(len(wire)):
        parser.feed(wire[index : index + 1])
        found += _drain(parser)
    assert found == _parse(wire)
    assert [frame.body for frame in found] == [b"", b"a\0b"]


def test_first_of_repeated_headers_wins() -> None:
    assert _parse(b"SEND\na:1\na:2\n\n\0")[0].headers == {"a": "1"}


def test_carriage_returns_and_heart_beats_are_tolerated() -> None:
    wire = b"\n\r\n\nSEND\r\na:1\r\nb:2\r\n\r\nbody\n\nmore\0\r\nDISCONNECT\r\n\r\n\0"
    assert _parse(wire) == [Frame("SEND", {"a": "1", "b": "2"}, b"body\n\nmore"), Frame("DISCONNECT", {})]


def test_a_value_keeps_its_colons_and_spaces() -> None:
    assert _parse(b"CONNECT\nhost: [::1]:54321\n\n\0")[0].headers == {"host": " [::1]:54321"}


def test_escapes_are_undone_in_command_names_and_values() -> None:
    assert _parse(b"SE\\cND\na\\cb:1\\n2\\r3\\\\n\n\n\0") == [Frame("SE:ND", {"a:b": "1\n2\r3\\n"})]


def test_content_length_may_stand_between_spaces() -> None:
    assert _parse(b"SEND\ncontent-length: 2 \n\nab\0")[0].body == b"ab"


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"SEND\nnonsense\n\n\0", "header line without name and colon"),
        (b"SEND\n:value\n\n\0", "header line without name and colon"),
        (b"SEND\na:\\t\n\n\0", "undefined escape"),
        (b"SEND\na:\\\n\n\0", "undefined escape"),
        (b"SEND\na:\xff\n\n\0", "not UTF-8"),
        (b"SEND\na:b\0c\n\n\0", "NUL inside the headers"),
        (b"CONNECT\0", "NUL before the empty line"),
        (b"SEND\ncontent-length:-1\n\n\0", "content-length is not a byte count"),
        (b"SEND\ncontent-length:1e3\n\n\0", "content-length is not a byte count"),
        ("SEND\ncontent-length:٣\n\nabc\0".encode(), "content-length is not a byte count"),
        (b"SEND\ncontent-length:" + b"9" * 5000 + b"\n\n", "content-length is not a byte count"),
        (b"SEND\ncontent-length:1\n\nab\0", "not followed by NUL"),
    ],
)
def test_damage_is_named(wire: bytes, reason: str) -> None:
    assert reason in _reason(wire)


_SMALL = StompLimits(max_headers=2, max_header_line=20, max_head=50, max_body=100, max_frame=120)


@pytest.mark.parametrize(
    ("wire", "limit"),
    [
        (b"SEND\na:1\nb:2\nc:3\n\n\0", "3 headers are more than 2 (limits: headers)"),
        (b"SEND\na:" + b"x" * 19 + b"\n\n\0", "a header line is longer than"),
        (b"SEND\na:" + b"x" * 60, "the headers are larger than"),
        (b"SEND\na:" + b"x" * 60 + b"\n\n\0", "the headers are larger than"),
        (b"SEND\ncontent-length:101\n\n", "the body is larger than 100 bytes (limits: frame_bytes)"),
        (b"SEND\n\n" + b"x" * 101, "the body is larger than 100 bytes (limits: frame_bytes)"),
        (b"SEND\n\n" + b"x" * 101 + b"\0", "the body is larger than 100 bytes (limits: frame_bytes)"),
        (b"SEND\ncontent-length:99\n\n", "the frame is larger than"),
        (b"SEND\nabcdefg:123456789\n\n" + b"x" * 99, "the frame is larger than"),
    ],
)
def test_every_limit_is_named_as_soon_as_it_is_broken(wire: bytes, limit: str) -> None:
    assert limit in _reason(wire, _SMALL)


def test_what_is_at_the_limit_passes() -> None:
    assert len(_parse(b"SEND\na:" + b"x" * 18 + b"\nb:1\n\n" + b"y" * 89 + b"\0", _SMALL)) == 1


def test_a_broken_parser_stays_broken_and_holds_nothing() -> None:
    parser = Parser()
    parser.feed(b"SEND\nnonsense\n\n\0" + b"x" * 1000)
    for _ in range(2):
        with pytest.raises(RemoteProtocolError, match="header line"):
            parser.next_frame()
    assert parser.buffered == 0


def test_frames_before_the_damage_are_delivered() -> None:
    parser = Parser()
    parser.feed(b"SEND\n\nok\0SEND\nbad\n\n\0")
    first = parser.next_frame()
    assert first is not None
    assert first.body == b"ok"
    with pytest.raises(RemoteProtocolError):
        parser.next_frame()


def test_large_body_in_pieces() -> None:
    body = random.Random(1).randbytes(1_000_000)
    wire = encode("SEND", {"destination": "q"}, body)
    parser = Parser()
    found = []
    for start in range(0, len(wire), 16384):
        parser.feed(wire[start : start + 16384])
        found += _drain(parser)
    assert [frame.body for frame in found] == [body]


def test_fuzzed_input_meets_only_clean_errors_and_bounded_buffers() -> None:
    """10^5 mutated inputs, seeded; the second half of each arrives in another piece."""
    choice = random.Random(54321)
    limits = StompLimits(max_headers=8, max_header_line=64, max_head=256, max_body=512, max_frame=600)
    seeds = [
        b"CONNECT\naccept-version:1.2\nheart-beat:0,24000\n\n\0",
        encode("SEND", {"destination": "jms.topic.vdsm_requests", "reply-to": "r:1"}, b'{"id":1}\0\n\n'),
        b"\r\nSUBSCRIBE\r\nid:1\r\ndestination:a\\cb\r\n\r\n\0\n",
        b"SEND\ncontent-length:5\n\nab\0de\0DISCONNECT\nreceipt:1\n\n\0",
    ]
    alphabet = b"\0\n\r\\:,-0195acnrSEND\xff\xc3"
    outcomes = {"frames": 0, "errors": 0}
    for _ in range(100_000):
        wire = bytearray(choice.choice(seeds))
        for _ in range(choice.randrange(1, 4)):
            at = choice.randrange(len(wire))
            kind = choice.randrange(4)
            if kind == 0:
                wire[at] = choice.choice(alphabet)
            elif kind == 1:
                wire.insert(at, choice.choice(alphabet))
            elif kind == 2:
                del wire[at : at + choice.randrange(1, 8)]
            else:
                wire[at:at] = wire[at : at + 30] * choice.randrange(1, 40)
            wire = wire or bytearray(b"\n")
        cut = choice.randrange(len(wire) + 1)
        parser = Parser(limits)
        try:
            for piece in (bytes(wire[:cut]), bytes(wire[cut:])):
                parser.feed(piece)
                outcomes["frames"] += len(_drain(parser))
                assert parser.buffered <= limits.max_frame
        except RemoteProtocolError:
            outcomes["errors"] += 1
    assert min(outcomes.values()) > 10_000


def test_many_heart_beats_hold_no_memory() -> None:
    parser = Parser()
    for _ in range(100):
        parser.feed(b"\n" * 10_000)
        assert parser.next_frame() is None
    assert parser.buffered == 0


def test_content_length_is_written_where_a_body_may_be() -> None:
    assert encode("MESSAGE", {}) == b"MESSAGE\ncontent-length:0\n\n\0"
    assert encode("RECEIPT", {"receipt-id": "7"}) == b"RECEIPT\nreceipt-id:7\n\n\0"
    assert encode("SEND", {"content-length": "77"}, b"ab") == b"SEND\ncontent-length:2\n\nab\0"


@pytest.mark.parametrize(
    ("command", "headers"),
    [("", {}), ("SEND", {"": "x"}), ("SEND", {"a": "\0"}), ("SE\0ND", {}), ("SEND", {"a": "\ud800"})],
)
def test_what_cannot_be_a_frame_is_refused(command: str, headers: dict[str, str]) -> None:
    with pytest.raises(LocalProtocolError):
        encode(command, headers)


@given(_text, _text, st.binary(max_size=50))
def test_a_prefixed_message_is_the_same_frame(destination: str, subscription: str, body: bytes) -> None:
    headers = {"destination": destination, "content-type": "application/json", "subscription": subscription}
    assert message(message_prefix(destination, subscription), body) == encode("MESSAGE", headers, body)


def test_escape_leaves_plain_text_alone() -> None:
    assert escape("jms.topic.vdsm_requests") == "jms.topic.vdsm_requests"
    assert escape("a:b\\\r\n") == "a\\cb\\\\\\r\\n"


def test_heart_beat_numbers() -> None:
    assert parse_heart_beat("0,24000") == (0, 24000)
    assert parse_heart_beat(" 5 , 0") == (5, 0)
    assert parse_heart_beat(f"{10**12},0") == (2**31 - 1, 0)


@pytest.mark.parametrize("value", ["", "1", "1,2,3", "a,b", "-1,0", "1.5,0", "²,0", "9" * 20 + ",0"])
def test_heart_beat_nonsense_is_refused(value: str) -> None:
    with pytest.raises(RemoteProtocolError, match="heart-beat"):
        parse_heart_beat(value)
