"""Parts of a schema that do not fit together are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.loader import load
from api.model import SchemaError
from tests.unit.api import schemas
from tests.unit.api.schemas import Schema, field


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda s: s["Box"]["verbs"]["open"]["params"].append(field("x", "Ghost")),
            "open: x: type Ghost is declared nowhere",
        ),
        (
            lambda s: s["Box"]["verbs"]["open"].update(returns={"type": "Ghost", "about": "x"}),
            "open: returns: type Ghost",
        ),
        (lambda s: s["Box"]["types"]["Content"]["fields"].append(field("x", "[Ghost]")), "Content: type Ghost"),
        (
            lambda s: s["Box"]["types"]["Content"]["fields"].append(field("name")),
            "Content: field name is there 2 times",
        ),
        (
            lambda s: s["Box"]["verbs"]["open"]["params"].append(field("boxId")),
            "open: Python name box_id is there 2 times",
        ),
        (lambda s: s["Box"]["types"]["Content"]["fields"].append(field("extra")), "Content: extra: 'extra' cannot be"),
        (lambda s: s["Box"]["types"]["Content"]["fields"].append(field("1st")), "Content: 1st: '1st' cannot be"),
        (lambda s: s["Box"]["types"]["Colour"]["enum"].append("blue"), "Colour: value blue is there 2 times"),
        (
            lambda s: s["Box"]["verbs"]["open"]["params"][2].update(default="3"),
            "open: tries: default '3' is not a uint",
        ),
        (
            lambda s: s["Box"]["verbs"]["open"]["params"][2].update(default=True),
            "open: tries: default True is not a uint",
        ),
        (lambda s: s["Box"]["verbs"]["open"]["params"][3].update(default=["a"]), "open: tags: only an empty list"),
        (lambda s: s["Box"]["types"]["How"].update(text="other"), "How: no member has the field 'other'"),
        (lambda s: s["Box"]["types"]["How"]["union"].reverse(), "How: member ByKey is never selected"),
        (lambda s: s["Box"]["types"]["How"]["union"][0].update(keys=["ghost"]), "ByKey has no field 'ghost'"),
        (lambda s: s["Box"]["types"]["How"]["union"][0].update(type="Colour"), "How: member Colour is not an object"),
        (lambda s: s["Box"]["verbs"]["open"]["errors"].append("Ghost"), "open: error Ghost is no kind"),
        (lambda s: s["events"]["events"]["moved"].update(body=["Ghost"]), "moved: body: type Ghost"),
        (lambda s: s["events"]["events"]["opened"].pop("body"), "opened: a keyed event needs a body"),
        (
            lambda s: s["events"]["events"]["all_gone"].update(body=["Place"]),
            "all_gone: an event with a body needs an id",
        ),
        (lambda s: s["errors"]["kinds"].update(Ghost=7), "Ghost: code 7 is not in the table"),
        (lambda s: s["errors"]["codes"].append({"code": 1, "name": "X", "message": "x"}), "code 1 is there 2 times"),
        (lambda s: s["totals"].update(Box=1), "Box has 2 verbs, the table says 1"),
        (lambda s: s["Box"]["types"].update(Idle={"about": "x", "fields": []}), "Idle: nothing uses this type"),
        (
            lambda s: s["Box"]["types"]["Content"]["fields"].append(field("x", "Place")),
            "the types of these files use each other: (Box -> events -> Box|events -> Box -> events);",
        ),
    ],
)
def test_a_misfit_is_told_with_its_place(tmp_path: Path, spoil: Callable[[Schema], Any], message: str) -> None:
    content = schemas.small()
    spoil(content)
    with pytest.raises(SchemaError, match=message):
        load(schemas.write(tmp_path, content))
