"""One admitted connection: packets in, calls out; answers in, packets out.

It knows the protocol and the policy, and nothing about threads or sockets of others. Called by `supervdsm.server`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from supervdsm import audit
from supervdsm.peer import Caller
from supervdsm.policy import Answer, Rule
from vdsm.common.descriptors import FdSet
from vdsm.common.errors import NotImplementedHere, RemoteProtocolError, VdsmError
from vdsm.common.ipc import (
    DECODE_ERRORS,
    LONGEST_CORRELATION_ID,
    Link,
    Packet,
    Reply,
    Request,
    encode_error,
)
from vdsm.models.privileged import VERSION, Operation, OperationSpec

_decode_request = msgspec.json.Decoder(Request).decode
_encode = msgspec.json.encode


class Hello(msgspec.Struct, frozen=True):
    """First message of the helper: its process and the version of the contract."""

    pid: int
    version: int


@dataclass(slots=True, eq=False)
class Call:
    """One accepted call; `expires` is a reading of time.monotonic()."""

    session: Session
    id: int
    rule: Rule
    params: Operation[msgspec.Struct]
    correlation_id: str
    expires: float
    started: float = field(default_factory=time.monotonic)

    def run(self) -> Answer:
        """Serve it, on a worker thread. Raises: VdsmError."""
        return self.rule.run(self.params)


class Session:
    """`on_call` gets each call that makes sense and may refuse it with a VdsmError."""

    def __init__(self, link: Link, caller: Caller, rules: Mapping[str, Rule], on_call: Callable[[Call], None]) -> None:
        self.link = link
        self.caller = caller
        self.garbage = 0
        self._rules = rules
        self._on_call = on_call

    def greet(self) -> None:
        """Tell the agent that it was let in. Raises: OSError."""
        hello = Hello(pid=os.getpid(), version=VERSION)
        self._send(Reply(id=0, operation="hello", result=msgspec.Raw(_encode(hello))))

    def take(self, packet: Packet) -> None:
        """Handle one message. Raises: OSError, ResourceExhausted: the connection is of no use any more."""
        with packet.fds:
            try:
                request = _decode_request(packet.payload)
            except DECODE_ERRORS:
                self.reject(RemoteProtocolError(reason="a packet is not a request"))
                return
            try:
                call = self._parse(request, packet)
                self._on_call(call)
            except VdsmError as error:
                audit.record_call(
                    self.caller,
                    request.operation[:64],
                    {},
                    error.kind,
                    0.0,
                    request.correlation_id[:LONGEST_CORRELATION_ID],
                )
                self._send(Reply(id=request.id, operation=request.operation[:64], error=encode_error(error)))

    def reject(self, error: VdsmError) -> None:
        """Answer a packet that belongs to no call. Raises: OSError, ResourceExhausted."""
        self.garbage += 1
        self._send(Reply(id=0, operation="", error=encode_error(error)))

    def answer(self, call: Call, answer: Answer | None, error: VdsmError | None) -> None:
        """Send a call's outcome; the answer's descriptors go with it. Raises: OSError, ResourceExhausted."""
        if answer is None or error is not None:
            failure = encode_error(error) if error is not None else None
            self._send(Reply(id=call.id, operation=call.rule.spec.name, error=failure))
            return
        self._send(Reply(id=call.id, operation=call.rule.spec.name, result=msgspec.Raw(answer.result)), answer.fds)

    def close(self) -> None:
        """End the connection; calls that run go on."""
        self.link.close()

    def _parse(self, request: Request, packet: Packet) -> Call:
        rule = self._rules.get(request.operation)
        if rule is None:
            raise NotImplementedHere(verb=request.operation[:64])
        if fault := _fault(request, rule.spec, len(packet.payload), len(packet.fds)):
            raise RemoteProtocolError(reason=fault)
        return Call(
            session=self,
            id=request.id,
            rule=rule,
            params=rule.parse(bytes(request.params)),
            correlation_id=request.correlation_id,
            expires=time.monotonic() + min(request.deadline, rule.spec.deadline),
        )

    def _send(self, reply: Reply, fds: FdSet | None = None) -> None:
        self.link.send(_encode(reply), reply.operation, fds)


def _fault(request: Request, spec: OperationSpec, size: int, fds: int) -> str:
    """What is wrong with a request that could be read; empty when nothing is."""
    if size > spec.max_request:
        return f"a request of {spec.name} has {size} bytes, {spec.max_request} are allowed"
    if fds:
        return f"a request of {spec.name} carries {fds} descriptors, it may carry none"
    if not request.deadline > 0:
        return f"the deadline of {spec.name} is {request.deadline:g} s, it must be more than 0"
    if (length := len(request.correlation_id)) > LONGEST_CORRELATION_ID:
        return f"the correlation id has {length} characters, {LONGEST_CORRELATION_ID} are allowed"
    return ""
