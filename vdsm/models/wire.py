"""What the generated models are built from; written by hand.

Objects that callers send are open: a key that the contract does not know is kept with the object, because a newer
manager may send it and a hook may want it. Only the reader of the wire fills `extra`.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

UUID_PATTERN = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?!\n)$"

UUID = Annotated[str, Meta(pattern=UUID_PATTERN)]
"""Text form of a UUID, in either case; compared as sent, so callers fold it where case may differ."""

UInt = Annotated[int, Meta(ge=0)]
"""A number that is never negative."""


class OpenStruct(Struct, frozen=True, kw_only=True, dict=True):
    """An object that keeps the keys it does not know.

    `extra` lives in the instance's `__dict__`, not in a field, so no key of the wire can reach it and it is never encoded.
    """

    @property
    def extra(self) -> dict[str, Any]:
        """Unknown keys as they came; empty when there are none. Set through `msgspec.structs.force_setattr`."""
        kept: dict[str, Any] = self.__dict__.get("extra", {})
        return kept

    @extra.setter
    def extra(self, unknown: dict[str, Any]) -> None:
        self.__dict__["extra"] = unknown


def repr_without(struct: Struct, hidden: tuple[str, ...]) -> str:
    """The struct's repr with the values of `hidden` fields left out, so that a secret never reaches a log."""
    shown = (
        f"{name}=***" if name in hidden and getattr(struct, name) is not None else f"{name}={getattr(struct, name)!r}"
        for name in struct.__struct_fields__
    )
    return f"{type(struct).__name__}({', '.join(shown)})"
