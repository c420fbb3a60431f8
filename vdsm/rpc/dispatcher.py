"""One call through jsonrpcserver: lookup, argument binding and result objects are the library's, codes are ours.

The lower half of jsonrpcserver 5.0.9 is used: `dispatch_request` on a request that was decoded already, so neither JSON
nor its schema is worked through twice (docs/adr/0002-jsonrpcserver-lower-half.md). These names are not exported at
its top level; this is the only module that knows them, and a unit test guards them.
"""

from __future__ import annotations

import inspect
import logging
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import msgspec
from jsonrpcserver.async_dispatcher import dispatch_request
from jsonrpcserver.request import Request as LibraryRequest
from jsonrpcserver.result import Error, Success
from oslash.either import Left

from vdsm.common.context import CallContext, correlation
from vdsm.common.errors import InternalError, NotImplementedHere, VdsmError
from vdsm.models.errors import Code
from vdsm.rpc.faults import Faults
from vdsm.rpc.params import ParamsError, ParamsReader, RawParams
from vdsm.rpc.registry import BoundVerb, Registry

log = logging.getLogger(__name__)


UnknownParams = Callable[[CallContext, tuple[str, ...]], None]
_Invoke = Callable[[CallContext, RawParams], Awaitable[Any]]


class _ContextAndParams(inspect.Signature):
    """Signature of every method that jsonrpcserver binds: `(context, params, /)`.

    Python itself binds the two; the general algorithm of `inspect` takes 2.5 us per call. The library only asks
    whether `bind` raises.
    """

    def bind(self, context: object, params: object, /) -> Any:
        return None


_SIGNATURE = _ContextAndParams(
    [
        inspect.Parameter("context", inspect.Parameter.POSITIONAL_ONLY),
        inspect.Parameter("params", inspect.Parameter.POSITIONAL_ONLY),
    ]
)


class Outcome(msgspec.Struct, frozen=True):
    """How a call ended: `code` 0 and the result, or a wire code and the error's text."""

    code: int
    value: Any


class Dispatcher:
    """Runs calls of the registry's verbs."""

    def __init__(self, registry: Registry, reader: ParamsReader, faults: Faults, unknown_params: UnknownParams) -> None:
        """`unknown_params` hears of parameters that a verb does not have."""
        self._reader = reader
        self._faults = faults
        self._unknown_params = unknown_params
        self._methods = {verb.method.name: self._method(verb) for verb in registry}

    def dispatch(self, method: str, raw: RawParams, context: CallContext) -> Coroutine[Any, Any, Outcome]:
        """The call as a coroutine; for an immediate verb it never suspends."""
        return self._dispatch(LibraryRequest(method, [raw], None), context)

    def now(self, method: str, raw: RawParams, context: CallContext) -> Outcome:
        """Run a call of an immediate verb to its end, without a task."""
        steps = self._dispatch(LibraryRequest(method, [raw], None), context)
        try:
            steps.send(None)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # StopIteration carries the coroutine's typed result
        steps.close()
        raise RuntimeError(f"{method} is registered as immediate, but it waits")

    async def _dispatch(self, request: LibraryRequest, context: CallContext) -> Outcome:
        token = correlation.set(context.correlation_id)
        try:
            _, result = await dispatch_request(self._methods, context, request)
        finally:
            correlation.reset(token)
        if isinstance(result, Left):
            error = result._error  # oslash has no public accessor
            return Outcome(error.code, error.message)
        return Outcome(0, result._value.result)

    def _method(self, verb: BoundVerb) -> _Invoke:
        """The callable that jsonrpcserver binds: one positional parameter holds the undecoded parameters."""
        method, handler, immediate = verb.method, verb.handler, verb.immediate

        async def invoke(context: CallContext, raw: RawParams) -> Any:
            try:
                if handler is None:
                    raise NotImplementedHere(verb=method.name)
                params, unknown = self._reader.convert(method, raw)
                if unknown:
                    self._unknown_params(context, unknown)
                value = handler(context, params)
                return Success(value if immediate else await value)
            except ParamsError as error:
                return Error(Code.JSON_PARAMS, f"Invalid params: {error}")
            except VdsmError as error:
                return self._failed(context, error)
            except Exception:
                incident = uuid.uuid4().hex[:12]
                log.exception("incident %s: %s failed", incident, context.method)
                return Error(Code.JSON_INTERNAL, InternalError(incident=incident).message)

        invoke.__signature__ = _SIGNATURE  # type: ignore[attr-defined]  # spares a look at the function per call
        return invoke

    def _failed(self, context: CallContext, error: VdsmError) -> Any:
        if not error.expected:
            trace = error.__cause__ if log.isEnabledFor(logging.DEBUG) else None
            log.warning("%s failed: %s", context.method, error, exc_info=trace)
        return Error(self._faults.code_of(error), error.message)
