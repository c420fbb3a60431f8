"""The calls of one transport connection: bodies in, answers out, limits, and what happens when the peer goes.

A call that only reads is cancelled when its peer goes; one that changes anything runs to its end, its answer is
dropped and its outcome is in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import msgspec

from vdsm.common.context import CallContext, Peer
from vdsm.common.contract import Effect
from vdsm.common.errors import InternalError
from vdsm.models.errors import Code
from vdsm.rpc.call_log import CallLog
from vdsm.rpc.counters import RpcCounters
from vdsm.rpc.dispatcher import Dispatcher, Outcome
from vdsm.rpc.envelope import (
    EnvelopeError,
    Request,
    decode,
    decode_batch,
    encode_batch,
    encode_error,
    encode_result,
    is_batch,
)
from vdsm.rpc.registry import BoundVerb, Registry

log = logging.getLogger(__name__)

Reply = Callable[[bytes], None]


_UNENCODABLE = (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError)
"""What the encoder raises for a result that JSON cannot carry; text that is no Unicode is a ValueError."""


@dataclass(frozen=True, slots=True)
class RpcLimits:
    """Calls that may be under way at once, and members of one batch."""

    batch: int = 100
    in_flight_per_connection: int = 256
    in_flight: int = 2048


class RpcServer:
    """Makes an RpcConnection per transport connection; owns what they share."""

    def __init__(
        self,
        registry: Registry,
        dispatcher: Dispatcher,
        call_log: CallLog,
        counters: RpcCounters,
        limits: RpcLimits | None = None,
    ) -> None:
        self.registry = registry
        self.dispatcher = dispatcher
        self.call_log = call_log
        self.counters = counters
        self.limits = limits or RpcLimits()
        self._orphans: set[asyncio.Task[None]] = set()

    def open(self, peer: Peer) -> RpcConnection:
        """A new connection of `peer`."""
        return RpcConnection(self, peer)

    def adopt(self, task: asyncio.Task[None]) -> None:
        """Keep a call that outlives its connection until it ends."""
        self._orphans.add(task)
        task.add_done_callback(self._orphans.discard)

    async def drain(self, seconds: float) -> None:
        """Wait for the calls that outlive their connections; those that do not end in time are left to recovery."""
        if self._orphans:
            await asyncio.wait(set(self._orphans), timeout=seconds)


class RpcConnection:
    """All calls of one transport connection."""

    def __init__(self, server: RpcServer, peer: Peer) -> None:
        self._server = server
        self._peer = peer
        self._peer_name = str(peer)
        self._tasks: dict[asyncio.Task[None], Effect] = {}
        self._open = True

    def call(self, body: bytes, correlation_id: str, reply: Reply) -> None:
        """Run one request or batch. `reply` is called at most once, now or later, never after close()."""
        try:
            if is_batch(body):
                self._batch(body, correlation_id, reply)
            else:
                self._single(decode(body), correlation_id, reply)
        except EnvelopeError as error:
            self._unreadable(error, reply)

    def close(self) -> None:
        """The peer is gone."""
        self._open = False
        for task, effect in list(self._tasks.items()):
            self._server.counters.abandoned += 1
            if effect is Effect.READ:
                task.cancel()
            else:
                self._server.adopt(task)
        self._tasks.clear()

    def _unreadable(self, error: EnvelopeError, reply: Reply) -> None:
        self._server.counters.unreadable += 1
        log.info("%s sent what is no request: %s", self._peer_name, error.message)
        reply(encode_error(error.request_id, error.code, error.message))

    def _batch(self, body: bytes, correlation_id: str, reply: Reply) -> None:
        members = decode_batch(body, self._server.limits.batch)
        answers: list[bytes] = []
        waiting = len(members)

        def ended(answer: bytes | None) -> None:
            nonlocal waiting
            waiting -= 1
            if answer is not None:
                answers.append(answer)
            if not waiting and answers:
                reply(encode_batch(answers))

        for member in members:
            self._member(member, correlation_id, ended)

    def _member(self, member: msgspec.Raw, correlation_id: str, ended: Callable[[bytes | None], None]) -> None:
        try:
            request = decode(member)
        except EnvelopeError as error:
            self._unreadable(error, ended)
            return
        if request.is_notification:
            self._single(request, correlation_id, _drop)
            ended(None)
        else:
            self._single(request, correlation_id, ended)

    def _single(self, request: Request, correlation_id: str, reply: Reply) -> None:
        server = self._server
        verb = server.registry.get(request.method)
        started = time.monotonic()
        if verb is None:
            message = f"Method not found: {request.method[:200]}"
            server.counters.refused += 1
            server.call_log.record("unknown", self._peer_name, correlation_id, 0.0, Code.JSON_METHOD, message)
            if not request.is_notification:
                reply(encode_error(request.id, Code.JSON_METHOD, message))
            return
        method = verb.method
        context = CallContext(self._peer, correlation_id, method.name, started + method.deadline)
        if verb.immediate:
            outcome = server.dispatcher.now(method.name, request.params, context)
            self._finish(request, context, started, reply, outcome)
        elif self._refuses():
            self._finish(request, context, started, reply, self._too_many())
        else:
            self._start(verb, request, context, started, reply)

    def _refuses(self) -> bool:
        limits = self._server.limits
        return (
            len(self._tasks) >= limits.in_flight_per_connection or self._server.counters.in_flight >= limits.in_flight
        )

    def _too_many(self) -> Outcome:
        self._server.counters.refused += 1
        limits = self._server.limits
        return Outcome(
            Code.RESOURCE_EXHAUSTED,
            f"Not enough resources: {limits.in_flight_per_connection} calls per connection and {limits.in_flight} in "
            "all may be under way at once; wait for answers before sending more",
        )

    def _start(self, verb: BoundVerb, request: Request, context: CallContext, started: float, reply: Reply) -> None:
        counters, held = self._server.counters, True

        def release() -> None:
            nonlocal held
            if held:
                held = False
                counters.in_flight -= 1
                self._tasks.pop(task, None)

        async def run() -> None:
            outcome = await self._server.dispatcher.dispatch(context.method, request.params, context)
            # before the answer, so that who waited for it may send the next call
            release()
            self._finish(request, context, started, reply, outcome)

        counters.in_flight += 1
        task = asyncio.get_running_loop().create_task(run(), name=f"call {context.method}")
        self._tasks[task] = verb.method.effect
        lost = partial(self._lost, verb.method.effect, request, context, started, reply)
        task.add_done_callback(partial(self._ended, context, release, lost))

    def _ended(
        self, context: CallContext, release: Callable[[], None], lost: Callable[[], None], task: asyncio.Task[None]
    ) -> None:
        release()
        if task.cancelled():
            lost()
        elif (error := task.exception()) is not None:
            log.error("answering %s failed", context.method, exc_info=error)

    def _lost(self, effect: Effect, request: Request, context: CallContext, started: float, reply: Reply) -> None:
        """A call was cancelled: by close(), at the end of the agent, or by a bug while its peer still waits."""
        if self._open:
            self._finish(request, context, started, reply, _bug(f"{context.method} was cancelled by the agent itself"))
            return
        why = "its peer went away" if effect is Effect.READ else "the agent stopped, its effect is unknown"
        seconds = time.monotonic() - started
        self._server.call_log.record(
            context.method, self._peer_name, context.correlation_id, seconds, -1, f"cancelled: {why}"
        )

    def _finish(self, request: Request, context: CallContext, started: float, reply: Reply, outcome: Outcome) -> None:
        server, answer = self._server, b""
        if self._open and not request.is_notification:
            try:
                answer = _encoded(request, outcome)
            except _UNENCODABLE as error:
                outcome = _bug(f"the result of {context.method} has no form in JSON", error)
                answer = _encoded(request, outcome)
        code = outcome.code
        seconds = time.monotonic() - started
        server.counters.of(context.method).add(seconds, code)
        server.call_log.record(
            context.method,
            self._peer_name,
            context.correlation_id,
            seconds,
            code,
            outcome.value if code else "",
        )
        if answer:
            reply(answer)


def _encoded(request: Request, outcome: Outcome) -> bytes:
    if outcome.code:
        return encode_error(request.id, outcome.code, outcome.value)
    return encode_result(request.id, outcome.value)


def _bug(what: str, error: Exception | None = None) -> Outcome:
    """The answer to a call that a bug of ours spoiled; the log has the details."""
    incident = uuid.uuid4().hex[:12]
    log.error("incident %s: %s", incident, what, exc_info=error)
    return Outcome(Code.JSON_INTERNAL, InternalError(incident=incident).message)


def _drop(_answer: bytes) -> None:
    """Answers of notifications go nowhere."""
