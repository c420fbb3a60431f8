"""The closed list of what the helper does: each generated operation with the function that serves it.

An operation without a function, or a function without an operation, stops the helper at its start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from supervdsm.settings import Settings
from supervdsm.verbs import channel, hardware, kvm
from supervdsm.verbs.ksm import KsmTuner, ksm_status
from supervdsm.verbs.ping import Pinger
from vdsm.common.descriptors import FdSet
from vdsm.common.errors import HelperError, InvalidParameter
from vdsm.common.ipc import DECODE_ERRORS
from vdsm.models.privileged import OPERATIONS, Operation, OperationSpec

Handler = Callable[[Any, Settings], msgspec.Struct | tuple[msgspec.Struct, FdSet]]


class Answer(NamedTuple):
    """What a handler made of a call: encoded result and descriptors for the caller."""

    result: bytes
    fds: FdSet


class Rule:
    """One operation: its limits, its parameters' decoder, its function."""

    def __init__(self, operation: type[Operation[msgspec.Struct]], handler: Handler, settings: Settings) -> None:
        self.spec: OperationSpec = operation.spec
        self._decode = msgspec.json.Decoder(operation).decode
        self._handler = handler
        self._settings = settings

    def parse(self, params: bytes) -> Operation[msgspec.Struct]:
        """The typed parameters. Raises: InvalidParameter."""
        try:
            return self._decode(params)
        except DECODE_ERRORS as error:
            raise InvalidParameter(parameter="params", value=self.spec.name, reason=str(error)) from error

    def subject(self, params: Operation[msgspec.Struct]) -> dict[str, Any]:
        """What the call is about, for the audit: only parameters that the specification lists."""
        named = {name: getattr(params, name) for name in self.spec.subject}
        return {name: value for name, value in named.items() if value is not None}

    def run(self, params: Operation[msgspec.Struct]) -> Answer:
        """Serve the call, on a worker thread. Raises: VdsmError."""
        outcome = self._handler(params, self._settings)
        result, fds = outcome if isinstance(outcome, tuple) else (outcome, FdSet())
        answer = Answer(msgspec.json.encode(result), fds)
        cause = self._refusal(len(fds), len(answer.result))
        if cause:
            fds.close()
            raise HelperError(operation=f"answer {self.spec.name}", cause=cause)
        return answer

    def _refusal(self, fds: int, size: int) -> str:
        """Why an answer of this shape may not leave; empty when it may."""
        if size > self.spec.max_reply:
            return f"the answer has {size} bytes, the operation allows {self.spec.max_reply}"
        if fds != self.spec.fds:
            return f"the answer carries {fds} descriptors, the operation has {self.spec.fds}"
        return ""


def build(settings: Settings) -> Mapping[str, Rule]:
    """Every operation's rule by its name. Raises: KeyError: the list and the functions do not match."""
    handlers: dict[str, Handler] = {
        "ping": Pinger().ping,
        "hardware_info": hardware.hardware_info,
        "kvm_device_prepare": kvm.kvm_device_prepare,
        "channel_directory_prepare": channel.channel_directory_prepare,
        "channel_open": channel.channel_open,
        "ksm_status": ksm_status,
        "ksm_tune": KsmTuner().tune,
    }
    unknown = handlers.keys() - OPERATIONS.keys()
    if unknown:
        raise KeyError(f"functions without an operation: {sorted(unknown)}")
    return MappingProxyType({name: Rule(OPERATIONS[name], handlers[name], settings) for name in OPERATIONS})
