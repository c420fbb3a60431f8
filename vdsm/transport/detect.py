"""Which protocol a peer speaks, by its first bytes; no I/O.

The listener's port carries STOMP; the Unix socket also `CONSOLE <vm id>\\n`. The answer is given as early as the
bytes allow, so a short command is never waited out.
"""

from __future__ import annotations

from dataclasses import dataclass

from vdsm.common.stomp import COMMANDS

_STOMP_WORDS = tuple(command.encode() for command in COMMANDS)
_CONSOLE_WORD = b"CONSOLE "
_MAX_CONSOLE_LINE = 128


@dataclass(frozen=True, slots=True)
class IsStomp:
    """`data` is what came so far, from the first byte that is no newline."""

    data: bytes


@dataclass(frozen=True, slots=True)
class IsConsole:
    """A local tool asks for the serial console of `vm_id`; `data` is what came after that line."""

    vm_id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class IsUnknown:
    """Nothing that we speak."""

    reason: str


Detected = IsStomp | IsConsole | IsUnknown


def detect(data: bytes, *, console: bool = False) -> Detected | None:
    """The protocol that `data`, all bytes so far, begins; None when more bytes are needed to tell.

    `console` says whether this listener serves consoles.
    """
    data = data.lstrip(b"\r\n")
    if data.startswith(_STOMP_WORDS):
        return IsStomp(data)
    if console and data.startswith(_CONSOLE_WORD):
        return _console(data)
    words = (*_STOMP_WORDS, _CONSOLE_WORD) if console else _STOMP_WORDS
    if any(word.startswith(data) for word in words):
        return None
    return IsUnknown(f"unknown protocol, first bytes {data[:16]!r}")


def _console(data: bytes) -> IsConsole | IsUnknown | None:
    line, newline, rest = data.partition(b"\n")
    if len(line) > _MAX_CONSOLE_LINE:
        return IsUnknown(f"console request of more than {_MAX_CONSOLE_LINE} bytes")
    if not newline:
        return None
    vm_id = line[len(_CONSOLE_WORD) :].strip()
    if not vm_id or not vm_id.isascii():
        return IsUnknown("console request without a VM id")
    return IsConsole(vm_id.decode("ascii"), rest)
