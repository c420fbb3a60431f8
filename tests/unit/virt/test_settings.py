from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from vdsm.virt.settings import VirtSettings


def test_every_time_and_limit_is_positive_and_fixed() -> None:
    settings = VirtSettings()
    for name in (field.name for field in fields(settings) if field.type in {"float", "int"}):
        assert getattr(settings, name) > 0
    with pytest.raises(FrozenInstanceError):
        settings.sample_interval = 1.0  # type: ignore[misc]  # that is the point
