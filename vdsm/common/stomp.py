"""STOMP 1.2 frames as bytes: an incremental parser and an encoder, without any I/O.

The server's sessions and the client library both stand on it, so it needs the standard library alone. It
knows frames, not conversations: which frame may come when is `transport/stomp_session.py`.
Facts of the dialect: headers of every frame are escaped, the first of repeated headers wins, CR before LF is
tolerated, newlines between frames are heart-beats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn

from vdsm.common.errors import LocalProtocolError, RemoteProtocolError

DESTINATION = "destination"
CONTENT_LENGTH = "content-length"
CONTENT_TYPE = "content-type"
HEART_BEAT = "heart-beat"
CORRELATION_ID = "ovirtCorrelationId"
REPLY_TO = "reply-to"

COMMANDS = ("MESSAGE", "SEND", "SUBSCRIBE", "UNSUBSCRIBE", "CONNECT", "CONNECTED", "ERROR", "RECEIPT", "DISCONNECT")
"""Commands that open a connection of this dialect; the alias `STOMP` is not one of them."""

_ALWAYS_SIZED = frozenset({"MESSAGE", "SEND", "ERROR"})
_ESCAPES = str.maketrans({"\\": "\\\\", "\r": "\\r", "\n": "\\n", ":": "\\c"})
_UNESCAPED = MappingProxyType({"\\": "\\", "r": "\r", "n": "\n", "c": ":"})
_SPECIAL = re.compile(r"[\\\r\n:\0]")
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_NEWLINES = re.compile(rb"[\r\n]+")
_LONGEST_LENGTH = 15
_MAX_HEART_BEAT_MS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class StompLimits:
    """What one frame may cost. `max_head` bounds command and headers together; sizes are in bytes."""

    max_headers: int = 64
    max_header_line: int = 8 * 1024
    max_head: int = 64 * 1024
    max_body: int = 4 * 1024 * 1024
    max_frame: int = 4 * 1024 * 1024 + 64 * 1024


@dataclass(slots=True)
class Frame:
    """One frame. `headers` are unescaped; `content-length`, where present, equals `len(body)`."""

    command: str
    headers: dict[str, str]
    body: bytes = b""


class Parser:
    """Bytes in, frames out. What is buffered never exceeds one frame's limit plus what was fed last."""

    __slots__ = ("_body_at", "_buffer", "_error", "_head", "_length", "_limits", "_pos", "_scanned")

    def __init__(self, limits: StompLimits | None = None) -> None:
        self._limits = limits or StompLimits()
        self._buffer: bytes | bytearray = b""
        self._pos = 0
        self._scanned = 0
        self._head: Frame | None = None
        self._body_at = 0
        self._length = -1
        self._error = ""

    @property
    def buffered(self) -> int:
        """Bytes that wait for the rest of their frame, or for next_frame()."""
        return len(self._buffer) - self._pos

    def feed(self, data: bytes) -> None:
        """Take what the peer sent, in pieces of any size; next_frame() then yields what is complete."""
        done = self._pos
        if done >= len(self._buffer):
            self._buffer = data
            self._pos = self._scanned = 0
            return
        rest = self._buffer
        if isinstance(rest, bytearray):
            del rest[:done]
        else:
            self._buffer = rest = bytearray(memoryview(rest)[done:])
        rest += data
        self._pos = 0
        self._scanned = max(0, self._scanned - done)
        self._body_at -= done

    def next_frame(self) -> Frame | None:
        """The next whole frame, or None until more was fed.

        Raises: RemoteProtocolError for what is no frame or breaks a limit; from then on always.
        """
        frame = self._head
        if frame is None:
            frame = self._take_head()
            if frame is None:
                return None
        start = self._body_at
        buffer = self._buffer
        if self._length >= 0:
            end = start + self._length
            if end >= len(buffer):
                self._head = frame
                return None
            if buffer[end]:
                self._fail(f"the {self._length} bytes of the body are not followed by NUL")
        else:
            end = self._find_nul(start)
            if end < 0:
                self._head = frame
                return None
        if end > start:
            frame.body = buffer[start:end] if type(buffer) is bytes else bytes(memoryview(buffer)[start:end])
        self._head = None
        self._pos = self._scanned = end + 1
        return frame

    def _find_nul(self, start: int) -> int:
        buffer = self._buffer
        end = buffer.find(b"\0", max(start, self._scanned))
        size = (len(buffer) if end < 0 else end) - start
        self._check_size(size, start - self._pos)
        self._scanned = len(buffer)
        return end

    def _take_head(self) -> Frame | None:
        if self._error:
            raise RemoteProtocolError(reason=self._error)
        buffer = self._buffer
        pos = self._pos
        size = len(buffer)
        if pos < size and buffer[pos] in b"\r\n":
            skipped = _NEWLINES.match(buffer, pos)
            if skipped is not None:
                self._pos = pos = skipped.end()
        if pos >= size:
            return None
        scan = max(pos, self._scanned - 2)
        end = buffer.find(b"\n\n", scan)
        after = end + 2
        with_cr = buffer.find(b"\n\r\n", scan, size if end < 0 else after)
        if with_cr >= 0:
            end = with_cr
            after = with_cr + 3
        if end < 0:
            self._check_unfinished_head(scan)
            self._scanned = size
            return None
        if end - pos > self._limits.max_head:
            self._fail(f"the headers are larger than {self._limits.max_head} bytes (limits: header_bytes)")
        self._body_at = self._scanned = after
        return self._parse_head(bytes(buffer[pos:end]))

    def _check_unfinished_head(self, scan: int) -> None:
        if self._buffer.find(b"\0", scan) >= 0:
            self._fail("NUL before the empty line that ends the headers")
        if len(self._buffer) - self._pos > self._limits.max_head + 2:
            self._fail(f"the headers are larger than {self._limits.max_head} bytes (limits: header_bytes)")

    def _parse_head(self, head: bytes) -> Frame:
        limits = self._limits
        try:
            text = head.decode()
        except UnicodeDecodeError:
            self._fail("the headers are not UTF-8")
        if "\r" in text:
            text = text.replace("\r\n", "\n").removesuffix("\r")
            head = text.encode()
        if "\0" in text:
            self._fail("NUL inside the headers")
        if len(head) > limits.max_header_line and max(map(len, head.split(b"\n"))) > limits.max_header_line:
            self._fail(f"a header line is longer than {limits.max_header_line} bytes (limits: header_bytes)")
        command, *lines = text.split("\n")
        if len(lines) > limits.max_headers:
            self._fail(f"{len(lines)} headers are more than {limits.max_headers} (limits: headers)")
        escaped = "\\" in text
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name:
                self._fail(f"header line without name and colon: {line[:40]!r}")
            if escaped:
                name, value = self._unescape(name), self._unescape(value)
            if name not in headers:
                headers[name] = value
        length = headers.get(CONTENT_LENGTH)
        self._length = -1 if length is None else self._body_length(length, len(head))
        return Frame(self._unescape(command) if escaped else command, headers)

    def _unescape(self, text: str) -> str:
        if "\\" not in text:
            return text
        return _ESCAPE.sub(self._unescape_one, text)

    def _unescape_one(self, match: re.Match[str]) -> str:
        found = _UNESCAPED.get(match[1])
        if found is None:
            self._fail(f"undefined escape sequence {match[0]!r} in the headers")
        return found

    def _body_length(self, text: str, head_size: int) -> int:
        digits = text.strip()
        if not digits.isascii() or not digits.isdigit() or len(digits) > _LONGEST_LENGTH:
            self._fail(f"content-length is not a byte count: {text[:40]!r}")
        length = int(digits)
        self._check_size(length, head_size)
        return length

    def _check_size(self, body: int, head: int) -> None:
        limits = self._limits
        if body > limits.max_body:
            self._fail(f"the body is larger than {limits.max_body} bytes (limits: frame_bytes)")
        if head + body > limits.max_frame:
            self._fail(f"the frame is larger than {limits.max_frame} bytes (limits: frame_bytes)")

    def _fail(self, reason: str) -> NoReturn:
        self._error = reason
        self._buffer = b""
        self._pos = self._scanned = 0
        self._head = None
        raise RemoteProtocolError(reason=reason)


def escape(text: str) -> str:
    """A header name or value as it stands on the wire.

    Raises: LocalProtocolError for NUL, which no header can carry.
    """
    if _SPECIAL.search(text) is None:
        return text
    if "\0" in text:
        raise LocalProtocolError(reason="a header cannot carry NUL")
    return text.translate(_ESCAPES)


def encode(command: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """One whole frame. `content-length` is set here, on every SEND, MESSAGE and ERROR and wherever there is a body.

    Raises: LocalProtocolError for what cannot be written as a frame.
    """
    if not command or "" in headers:
        raise LocalProtocolError(reason="a frame needs a command, and a header needs a name")
    lines = [escape(command)]
    lines += [f"{escape(name)}:{escape(value)}" for name, value in headers.items() if name != CONTENT_LENGTH]
    if body or command in _ALWAYS_SIZED:
        lines.append(f"{CONTENT_LENGTH}:{len(body)}")
    try:
        head = "\n".join(lines).encode()
    except UnicodeEncodeError:
        raise LocalProtocolError(reason="a header is not encodable as UTF-8") from None
    return b"%b\n\n%b\0" % (head, body)


def message_prefix(destination: str, subscription: str) -> bytes:
    """Start of every MESSAGE with JSON to one subscription; complete it with `message()`.

    Made once per subscription and destination, so that a reply costs one bytes formatting.
    """
    headers = {DESTINATION: destination, CONTENT_TYPE: "application/json", "subscription": subscription}
    lines = "\n".join(f"{name}:{escape(value)}" for name, value in headers.items())
    return f"MESSAGE\n{lines}\n{CONTENT_LENGTH}:".encode()


def message(prefix: bytes, body: bytes) -> bytes:
    """The whole MESSAGE frame with `body` that `prefix` starts."""
    return b"%b%d\n\n%b\0" % (prefix, len(body), body)


def parse_heart_beat(value: str) -> tuple[int, int]:
    """The two numbers of a `heart-beat` header, in ms: what the sender offers to send, and wants to receive.

    Raises: RemoteProtocolError when it is not two non-negative numbers.
    """
    numbers = [part.strip() for part in value.split(",")]
    if len(numbers) != 2 or not all(n.isascii() and n.isdigit() and len(n) <= _LONGEST_LENGTH for n in numbers):
        raise RemoteProtocolError(reason=f"heart-beat is not two numbers of milliseconds: {value[:40]!r}")
    offers, wants = (min(int(number), _MAX_HEART_BEAT_MS) for number in numbers)
    return offers, wants
