"""The peer of calls: asyncio, TLS and msgspec, and nothing else; run as a process of its own.

It finds the frame, decodes the request, encodes an answer of the same size and writes it as a MESSAGE. No limits, no
checks, no log, no counters, no dispatch: what a Python process cannot do with less.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import re
import ssl
import sys
from pathlib import Path
from typing import Any

import msgspec

_LENGTH = re.compile(rb"\ncontent-length:(\d+)")
_ROUTE = re.compile(rb"\ndestination:([^\n]+)")


class _Request(msgspec.Struct):
    method: str
    id: msgspec.Raw
    params: dict[str, Any] | None = None


class _Answer(msgspec.Struct):
    id: msgspec.Raw
    result: msgspec.Raw
    jsonrpc: str = "2.0"


_decode = msgspec.json.Decoder(_Request).decode
_encode = msgspec.json.Encoder().encode


class Echo(asyncio.Protocol):
    """One connection. Every call has the same `result`."""

    def __init__(self, result: msgspec.Raw) -> None:
        self._result = result
        self._buffer = b""
        self._prefix = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole frame."""
        self._buffer = buffer = self._buffer + data
        while (end := buffer.find(b"\n\n")) >= 0:
            head = buffer[:end]
            length = _LENGTH.search(head)
            stop = end + 2 + (int(length[1]) if length else 0)
            if len(buffer) <= stop:
                break
            body, buffer = buffer[end + 2 : stop], buffer[stop + 1 :]
            self._handle(head, body)
        self._buffer = buffer

    def _handle(self, head: bytes, body: bytes) -> None:
        if body:
            answer = _encode(_Answer(_decode(body).id, self._result))
            self._transport.write(b"%b%d\n\n%b\0" % (self._prefix, len(answer), answer))
        elif head.startswith(b"CONNECT"):
            self._transport.write(b"CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0")
        elif (route := _ROUTE.search(head)) is not None:
            lines = b"MESSAGE\ndestination:%b\ncontent-type:application/json\nsubscription:replies\ncontent-length:"
            self._prefix = lines % route[1]


async def _serve(pki: Path, result: msgspec.Raw) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(pki / "cacert.pem")
    context.load_cert_chain(pki / "servercert.pem", pki / "serverkey.pem")
    context.num_tickets = 0
    server = await asyncio.get_running_loop().create_server(lambda: Echo(result), "127.0.0.1", 0, ssl=context)
    gc.collect()
    gc.freeze()
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Print the port, then serve until the standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pki", type=Path)
    parser.add_argument("--bytes", type=int, default=0, help="size of the result, by default that of a ping")
    options = parser.parse_args()
    result = b'"%b"' % (b"x" * options.bytes) if options.bytes else b"true"
    asyncio.run(_serve(options.pki, msgspec.Raw(result)))


if __name__ == "__main__":
    main()
