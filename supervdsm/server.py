"""The helper's loop: accepts the agent, hands its calls to worker threads, sends what comes back, watches deadlines.

All I/O and all state are in this one thread; workers only run operations and ring a bell. A call past its deadline is
answered with BackendTimeout and its thread written off; what it does afterwards is told by a late audit line.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import socket
import time
from collections.abc import Callable, Mapping

import msgspec

from supervdsm import audit
from supervdsm.peer import Gate, HandedIdentity, caller_of
from supervdsm.policy import Answer, Rule
from supervdsm.session import Call, Session
from supervdsm.worker import Job, Workers
from vdsm.common.errors import BackendTimeout, PermissionDenied, RemoteProtocolError, ResourceExhausted, VdsmError
from vdsm.common.ipc import BlockingEndpoint, Link, Reply, encode_error

MAX_SESSIONS = 4
"""Connections of the agent at once: one, and those it has left but that the kernel has not told us about."""
STOP_SECONDS = 3.0
"""How long a stop waits for calls that run."""
_ACCEPTS_PER_TURN = 16
_READS_PER_TURN = 64
_GARBAGE_LOG_SECONDS = 5.0

_log = logging.getLogger("supervdsm.server")


class Server:
    """`stop_fd` becomes readable when the helper shall stop."""

    def __init__(
        self,
        listener: socket.socket,
        stop_fd: int,
        gate: Gate,
        rules: Mapping[str, Rule],
        handed: HandedIdentity | None = None,
        make_workers: Callable[[Callable[[], None]], Workers] = Workers,
    ) -> None:
        listener.setblocking(False)  # noqa: FBT003  the standard library's signature
        self._listener = listener
        self._gate = gate
        self._rules = rules
        self._handed = handed
        self._sessions: set[Session] = set()
        self._jobs: set[Job] = set()
        self._stopping = False
        self._garbage = 0
        self._garbage_told = float("-inf")
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._workers = make_workers(self._ring)
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._bell, selectors.EVENT_READ, self._collect)
        self._selector.register(stop_fd, selectors.EVENT_READ, self._stop)
        self._stop_fd = stop_fd
        if handed is not None:
            self._selector.register(handed, selectors.EVENT_READ, self._update_identity)

    def run(self) -> None:
        """Serve until told to stop, then wait a little for what runs, and close everything."""
        while not self._stopping:
            self._turn(self._timeout())
        until = time.monotonic() + STOP_SECONDS
        self._selector.unregister(self._listener)
        # it stays readable, and would make every turn a busy one
        self._selector.unregister(self._stop_fd)
        while any(not job.late for job in self._jobs) and time.monotonic() < until:
            self._turn(min(until - time.monotonic(), 0.1))
        for session in tuple(self._sessions):
            self._drop(session)
        self._workers.close()
        self._selector.close()
        os.close(self._bell)

    def _turn(self, timeout: float | None) -> None:
        for key, events in self._selector.select(timeout):
            if isinstance(key.data, Session):
                # an event of this turn may have ended the session already
                if key.data in self._sessions:
                    self._serve(key.data, events)
            else:
                key.data()
        self._expire()

    def _ring(self) -> None:
        # a bell that is gone has nobody who listens: the helper has stopped while this worker was stuck
        with contextlib.suppress(OSError):
            os.eventfd_write(self._bell, 1)

    def _stop(self) -> None:
        self._stopping = True

    def _timeout(self) -> float | None:
        expiries = [job.context.expires for job in self._jobs if not job.late]
        return max(0.0, min(expiries) - time.monotonic()) if expiries else None

    def _update_identity(self) -> None:
        if self._handed is None or self._handed.has_ended():
            return
        trouble = self._handed.update()
        if trouble is not None:
            _log.warning("identity of the agent: %s", trouble)
        if self._handed.has_ended():
            _log.warning("the starter is gone: no new process of the agent will be let in")
            self._selector.unregister(self._handed)
        for session in tuple(self._sessions):
            agent = self._handed.agent
            if agent is None or session.caller.pid != agent.pid:
                self._drop(session)

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                sock, _address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                _log.warning("a connection could not be accepted: %s", error)
                return
            # what the starter wrote before the agent connected counts for this connection
            self._update_identity()
            try:
                self._admit(sock)
            except OSError as error:
                _log.info("a connection ended before it was greeted: %s", error)
                sock.close()

    def _admit(self, sock: socket.socket) -> None:
        caller = caller_of(sock)
        try:
            self._gate.admit(caller)
            if len(self._sessions) >= MAX_SESSIONS:
                raise PermissionDenied(
                    peer=f"process {caller.pid}", operation="connect", reason=f"it has {MAX_SESSIONS} connections"
                )
        except PermissionDenied as error:
            audit.record_refusal(caller, error.message)
            farewell = BlockingEndpoint(sock, _no_large)
            try:
                reply = Reply(id=0, operation="hello", error=encode_error(error))
                farewell.send(msgspec.json.encode(reply), "hello", timeout=0)
            finally:
                farewell.close()
            return
        session = Session(Link(sock, self._request_limit), caller, self._rules, self._submit)
        session.greet()
        self._sessions.add(session)
        self._selector.register(session.link, selectors.EVENT_READ, session)

    def _request_limit(self, operation: str) -> int:
        rule = self._rules.get(operation)
        return rule.spec.max_request if rule is not None else 0

    def _serve(self, session: Session, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                session.link.flush()
            if events & selectors.EVENT_READ and not self._read(session):
                self._drop(session)
                return
            self._watch(session)
        except (OSError, ResourceExhausted) as error:
            _log.warning("the connection of process %d is cut: %s", session.caller.pid, error)
            self._drop(session)

    def _read(self, session: Session) -> bool:
        """Take in what is there; False: the connection has ended."""
        for _ in range(_READS_PER_TURN):
            try:
                packet = session.link.receive()
            except BlockingIOError:
                return True
            except RemoteProtocolError as error:
                session.reject(error)
                packet = None
                self._note_garbage()
                continue
            if packet is None:
                return False
            before = session.garbage
            session.take(packet)
            if session.garbage != before:
                self._note_garbage()
        return True

    def _note_garbage(self) -> None:
        self._garbage += 1
        if time.monotonic() - self._garbage_told >= _GARBAGE_LOG_SECONDS:
            self._garbage_told = time.monotonic()
            _log.warning("packets that made no sense so far: %d", self._garbage)

    def _watch(self, session: Session) -> None:
        """Ask for writability while something waits; read no more requests from who does not read answers."""
        if session.link.fileno() < 0:
            return
        events = selectors.EVENT_WRITE if session.link.backlog else selectors.EVENT_READ
        if self._selector.get_key(session.link).events != events:
            self._selector.modify(session.link, events, session)

    def _drop(self, session: Session) -> None:
        if session in self._sessions:
            self._sessions.remove(session)
            self._selector.unregister(session.link)
            session.close()

    def _submit(self, call: Call) -> None:
        job = Job(call.run, call)
        self._workers.submit(job)
        self._jobs.add(job)

    def _collect(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        for job in self._workers.finished():
            self._jobs.discard(job)
            if job.late:
                self._audit(job.context, "late " + (job.error.kind if job.error is not None else "ok"))
                if job.result is not None:
                    job.result.fds.close()
                continue
            self._finish(job.context, job.result, job.error)

    def _expire(self) -> None:
        now = time.monotonic()
        for job in [job for job in self._jobs if not job.late and job.context.expires <= now]:
            call: Call = job.context
            if self._workers.give_up(job):
                self._jobs.discard(job)
                error: VdsmError = ResourceExhausted(
                    resource="worker threads of supervdsmd", limit=len(self._jobs), remedy="try again later"
                )
            elif job.late:
                timeout = round(call.expires - call.started, 3)
                error = BackendTimeout(backend="supervdsmd", operation=call.rule.spec.name, timeout=timeout)
            else:
                # it was done this very moment: the bell tells
                continue
            self._finish(call, None, error)

    def _finish(self, call: Call, answer: Answer | None, error: VdsmError | None) -> None:
        """Write the audit line, then answer; the descriptors are closed when nobody takes them."""
        outcome = error.kind if error is not None else "ok"
        self._audit(call, outcome)
        if call.session not in self._sessions:
            if answer is not None:
                answer.fds.close()
            return
        try:
            call.session.answer(call, answer, error)
            self._watch(call.session)
        except (OSError, ResourceExhausted) as trouble:
            _log.warning("the connection of process %d is cut: %s", call.session.caller.pid, trouble)
            self._drop(call.session)

    @staticmethod
    def _audit(call: Call, outcome: str) -> None:
        spec = call.rule.spec
        audit.record_call(
            call.session.caller,
            spec.name,
            call.rule.subject(call.params),
            outcome,
            time.monotonic() - call.started,
            call.correlation_id,
        )


def _no_large(_operation: str) -> int:
    return 0
