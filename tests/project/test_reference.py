"""The reference pages say what the code does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from visavis.core.event_table import FAMILIES
from visavis.core.vocabulary import EVENTS
from visavis.project.keys import FILES, PROJECT
from visavis.project.reference import event_reference, reference

PAGES = Path(__file__).parents[2] / "docs" / "reference"
CHANNELS = (
    "till call chat review survey social beacon kiosk signage support returns campaign web app "
    "sms push e-mail weather stock news consent"
)


@pytest.mark.parametrize(("name", "page"), [("project", reference), ("events", event_reference)])
def test_the_page_is_what_the_code_prints(name: str, page: Callable[[], str]) -> None:
    path = PAGES / f"{name}.md"
    if os.environ.get("VISAVIS_REGENERATE"):
        path.write_text(page(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == page()


def test_there_are_events_for_every_channel() -> None:
    told = event_reference().lower()
    assert [word for word in CHANNELS.split() if word not in told] == []
    assert sum(len(rows) for rows in FAMILIES.values()) == len(EVENTS)
    assert all(row.meaning.endswith(".") for rows in FAMILIES.values() for row in rows.values())


def test_every_key_is_documented() -> None:
    for shape in (PROJECT, *(shape for _, _, shape in FILES)):
        for key in shape.keys:
            assert key.doc.strip().endswith("."), f"{shape.noun}.{key.name}"
            assert f"`{key.name}`" in reference()
