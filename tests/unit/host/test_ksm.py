"""KSM tuning goes to the helper, as given."""

from __future__ import annotations

import pytest

from vdsm.common.errors import HelperError, KsmTuneFailed
from vdsm.host.ksm import KsmTuning
from vdsm.models.privileged import KsmState, KsmTune, KsmTuneResult


async def test_only_what_is_given_is_set() -> None:
    asked: list[KsmTune] = []

    async def helper(operation: KsmTune) -> KsmTuneResult:
        asked.append(operation)
        return KsmTuneResult(state=KsmState())

    await KsmTuning(helper).tune(run=1, pages_to_scan=200)
    assert asked == [KsmTune(run=1, pages_to_scan=200)]


async def test_a_refusal_has_the_verbs_own_error() -> None:
    async def helper(_operation: KsmTune) -> KsmTuneResult:
        raise HelperError(operation="tune KSM", cause="Device or resource busy")

    with pytest.raises(KsmTuneFailed, match="Device or resource busy"):
        await KsmTuning(helper).tune(merge_across_nodes=0)
