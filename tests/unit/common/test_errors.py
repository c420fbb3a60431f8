"""The tree of errors."""

from __future__ import annotations

import string

import pytest

from vdsm.common import errors


def test_a_message_is_its_template_and_fields() -> None:
    error = errors.WrongState(vm_id="a", operation="pause", state="Down")
    assert str(error) == "Cannot pause virtual machine a while its status is Down"
    assert (error.kind, error.fields["state"]) == ("WrongState", "Down")


def test_a_missing_field_does_not_hide_the_error() -> None:
    assert "?" in str(errors.NoSuchVM())


@pytest.mark.parametrize("kind", sorted(errors.kinds()))
def test_every_kind_has_a_sentence_and_knows_whether_it_is_expected(kind: str) -> None:
    cls = errors.kinds()[kind]
    names = [name for _, name, _, _ in string.Formatter().parse(cls.template) if name]
    error = cls(**dict.fromkeys(names, 1))
    assert "?" not in error.message
    assert isinstance(cls.expected, bool)
    assert cls.__doc__


def test_kinds_are_the_whole_tree() -> None:
    assert {"VdsmError", "NoSuchVM", "BackendTimeout", "MonitorUnresponsive", "InternalError"} <= set(errors.kinds())
