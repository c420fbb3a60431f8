"""Kernel same-page merging: its settings and counters, one file each.

A change is whole or not made: if the kernel refuses one setting, those already made are taken back. One change at
a time, or two of them would restore each other's values.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from supervdsm.access import failing
from supervdsm.settings import Settings
from vdsm.common.errors import KsmTuneFailed, ResourceExhausted
from vdsm.models.privileged import KsmState, KsmStatus, KsmStatusResult, KsmTune, KsmTuneResult

CHANGE_SECONDS = KsmTune.spec.deadline
"""How long a change waits for another one."""
_UNMERGE = 2
_KNOBS = KsmState.__struct_fields__


def ksm_status(_params: KsmStatus, settings: Settings) -> KsmStatusResult:
    """What the kernel says; nothing but absent values where it has no KSM. Raises: HelperError."""
    with failing("read the state of kernel same-page merging"):
        return KsmStatusResult(state=_read_state(Path(settings.ksm_directory)))


class KsmTuner:
    """Changes the settings, one caller at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def tune(self, params: KsmTune, settings: Settings) -> KsmTuneResult:
        """Make the wanted changes.

        Raises: KsmTuneFailed: nothing has changed, or the error says what. ResourceExhausted: another one runs.
        """
        directory = Path(settings.ksm_directory)
        with self._alone(), failing("read the state of kernel same-page merging"):
            before = _read_state(directory)
            _apply(directory, before, _steps(params, before))
            return KsmTuneResult(state=_read_state(directory))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=CHANGE_SECONDS):
            raise ResourceExhausted(
                resource="the number of changes of KSM at a time",
                limit=1,
                remedy="try again when the one that runs has ended",
            )
        try:
            yield
        finally:
            self._lock.release()


def _steps(params: KsmTune, before: KsmState) -> list[tuple[str, int]]:
    """The writes in their order; a value that is in force already is not written."""
    wanted = {name: value for name, value in msgspec.structs.asdict(params).items() if value is not None}
    for name in wanted:
        if getattr(before, name) is None:
            raise KsmTuneFailed(cause=f"this kernel has no setting {name}", setting=name, restored=True)
    changes = {name: value for name, value in wanted.items() if getattr(before, name) != value}
    run = changes.pop("run", None)
    if "merge_across_nodes" in changes and before.run is not None:
        final = before.run if run is None else run
        # the kernel refuses it with EBUSY while any page is merged
        unmerge = [] if before.run == _UNMERGE else [("run", _UNMERGE)]
        return [*unmerge, *changes.items(), *([] if final == _UNMERGE else [("run", final)])]
    return [*changes.items(), *([] if run is None else [("run", run)])]


def _apply(directory: Path, before: KsmState, steps: list[tuple[str, int]]) -> None:
    done: list[str] = []
    for name, value in steps:
        try:
            (directory / name).write_text(f"{value}\n", encoding="ascii")
        except OSError as error:
            lost = _restore(directory, before, done)
            state = f"{', '.join(lost)} could not be restored" if lost else "the previous values are in force"
            raise KsmTuneFailed(
                cause=f"{name}={value} was refused ({error.strerror}); {state}", setting=name, restored=not lost
            ) from error
        done.append(name)


def _restore(directory: Path, before: KsmState, done: list[str]) -> list[str]:
    """Put back what was changed, newest first; the settings that could not be."""
    lost = []
    for name in dict.fromkeys(reversed(done)):
        try:
            (directory / name).write_text(f"{getattr(before, name)}\n", encoding="ascii")
        except OSError:
            lost.append(name)
    return lost


def _read_state(directory: Path) -> KsmState:
    return KsmState(**{name: _read(directory / name) for name in _KNOBS})


def _read(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
