"""The reference pages say what the code does."""

from __future__ import annotations

import os
from pathlib import Path

from visavis.project.keys import FILES, PROJECT
from visavis.project.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "project.md"


def test_the_page_is_what_the_code_prints() -> None:
    if os.environ.get("VISAVIS_REGENERATE"):
        PAGE.write_text(reference(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == reference()


def test_every_key_is_documented() -> None:
    for shape in (PROJECT, *(shape for _, _, shape in FILES)):
        for key in shape.keys:
            assert key.doc.strip().endswith("."), f"{shape.noun}.{key.name}"
            assert f"`{key.name}`" in reference()
