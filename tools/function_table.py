"""Writes docs/reference/functions.md from the function table."""

from __future__ import annotations

from pathlib import Path

from visavis.core.lang.table_docs import page

if __name__ == "__main__":
    path = Path(__file__).parent.parent / "docs" / "reference" / "functions.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(), encoding="utf-8")
