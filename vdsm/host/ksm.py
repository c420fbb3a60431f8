"""Tuning of kernel same-page merging (Host.setKsmTune), done by the privileged helper."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from vdsm.common.errors import BackendError, IsolationError, KsmTuneFailed, PermissionDenied
from vdsm.models.privileged import KsmTune, KsmTuneResult

AskHelper = Callable[[KsmTune], Awaitable[KsmTuneResult]]
"""Runs the privileged operation `ksm_tune`."""


class KsmTuning:
    """Changes what is given; the helper knows the legal ranges and undoes a change that is refused half-way."""

    def __init__(self, ask_helper: AskHelper) -> None:
        self._ask_helper = ask_helper

    async def tune(
        self,
        *,
        run: int | None = None,
        pages_to_scan: int | None = None,
        sleep_millisecs: int | None = None,
        merge_across_nodes: int | None = None,
    ) -> None:
        """Set what is not None.

        Raises: KsmTuneFailed; InvalidParameter for a value that the helper refuses.
        """
        wanted = KsmTune(
            run=run,
            pages_to_scan=pages_to_scan,
            sleep_millisecs=sleep_millisecs,
            merge_across_nodes=merge_across_nodes,
        )
        try:
            await self._ask_helper(wanted)
        except KsmTuneFailed:
            raise
        except (BackendError, IsolationError, PermissionDenied) as error:
            raise KsmTuneFailed(cause=error.message) from error
