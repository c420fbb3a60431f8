"""Errors of the agent to codes and messages of the wire; the one place where that is done."""

from __future__ import annotations

from collections.abc import Mapping

from vdsm.common.errors import VdsmError
from vdsm.models.errors import Code


class Faults:
    """Looks up the wire code of an error by its kind, then by the kinds that it derives from."""

    def __init__(self, codes: Mapping[str, int]) -> None:
        self._codes = codes

    def code_of(self, error: VdsmError) -> int:
        """Wire code of `error`; 100 (General Exception) where the contract names none of its kinds."""
        for kind in type(error).__mro__:
            code = self._codes.get(kind.__name__)
            if code is not None:
                return code
        return Code.GENERAL_EXCEPTION
