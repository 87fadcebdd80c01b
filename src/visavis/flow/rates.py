"""What foreign currencies are worth before the first build, for the service that runs already."""

from __future__ import annotations

import json
import os
from pathlib import Path

from visavis.collect.live_values import Rate
from visavis.core.nouns import Project
from visavis.store import recent

_FILE = "rates.json"


def has_rates(project: Project) -> bool:
    """Whether the project has rate tables."""
    return any(source.kind == "rates" for source in project.sources.values())


def keep_rates(state: Path, rates: list[Rate]) -> Path:
    """Writes rates down for the live reader."""
    folder = state / recent.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{_FILE}.{os.getpid()}.new"
    new.write_text(json.dumps(rates), encoding="utf-8")
    return new.replace(folder / _FILE)


def written_rates(state: Path) -> list[Rate]:
    """The rates that were written down; none where there are none."""
    try:
        text = (state / recent.FOLDER / _FILE).read_text(encoding="utf-8")
        return [(str(c), int(day), int(rate)) for c, day, rate in json.loads(text)]
    except (FileNotFoundError, ValueError):
        return []
