"""The building blocks of generated models."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from vdsm.models.wire import UUID, OpenStruct, UInt, repr_without

VM = "3f2a0000-1111-2222-3333-444455556666"


class Drive(OpenStruct, frozen=True, kw_only=True):
    """An open object."""

    volume_id: str = msgspec.field(name="volumeID")
    password: str | None = None

    def __repr__(self) -> str:
        return repr_without(self, ("password",))


def test_unknown_keys_are_kept_beside_the_fields_and_never_encoded() -> None:
    drive = Drive(volume_id="v")
    assert drive.extra == {}
    structs.force_setattr(drive, "extra", {"discard": True})
    assert drive.extra == {"discard": True}
    assert msgspec.json.encode(drive) == b'{"volumeID":"v","password":null}'


@given(key=st.text(), value=st.integers())
def test_no_key_of_the_wire_reaches_extra(key: str, value: int) -> None:
    for name in (key, "extra"):
        text = "v" if name in {"volumeID", "password"} else value
        drive = msgspec.convert({"volumeID": "v", name: text}, Drive)
        assert drive.extra == {}


def test_extra_cannot_be_assigned_in_the_ordinary_way() -> None:
    drive = Drive(volume_id="v")
    with pytest.raises(AttributeError):
        drive.extra = {"a": 1}


def test_secrets_are_not_shown() -> None:
    assert repr(Drive(volume_id="v", password="top secret")) == "Drive(volume_id='v', password=***)"
    assert repr(Drive(volume_id="v")) == "Drive(volume_id='v', password=None)"


@pytest.mark.parametrize("text", [VM, VM.upper()])
def test_uuid_in_either_case(text: str) -> None:
    assert msgspec.convert(text, UUID) == text


@pytest.mark.parametrize("text", ["", "vm-1", VM[:-1], VM + "0", VM + "\n", " " + VM, VM.replace("-", "")])
def test_what_is_not_a_uuid(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, UUID)


def test_uint_is_never_negative() -> None:
    assert msgspec.convert("7", UInt, strict=False) == 7
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(-1, UInt)
