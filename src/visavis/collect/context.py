"""What every step of a collection needs: the project, where things go, and the clock."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from visavis.collect.files import ByteCounter, find
from visavis.core.clock import Zone, zone
from visavis.core.nouns import Project, Source
from visavis.core.progress import Progress
from visavis.store.lake import Lake
from visavis.store.state import Load, State
from visavis.store.warehouse import Warehouse

_NOT_LOADED = frozenset(
    [
        "place",
        "places",
        "owner",
        "party",
        "captured",
        "dimensions",
        "threshold",
        "trust",
        "purpose",
        "kind",
        "personal",
    ]
)
"""Parts of a definition that change nothing in what a load holds."""


@dataclass
class Context:
    """One run of collect."""

    project: Project
    lake: Lake
    state: State
    wh: Warehouse
    now_ms: int
    progress: Progress
    counter: ByteCounter = field(default_factory=ByteCounter)

    def zone(self, source: Source) -> Zone:
        """The zone in which a source's naive times are read."""
        return zone(source.time_zone or self.project.time_zone)

    def loads(self, source: str | None = None) -> list[Load]:
        """The loads that count, of one source or of all."""
        return [x for x in self.state.loads() if source is None or x.source == source]

    def work(self) -> Path:
        """An empty directory for copies that live as long as one load is made."""
        folder = self.lake.state / "tmp" / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def definition(self, source: Source) -> str:
        """Changes when a source has to be loaded anew: its definition, its look-up files, ..."""
        parts = [plain(source), self.project.time_zone, self.project.currency]
        parts.append(plain([self.project.kinds[k] for k in sorted(self.project.kinds)]))
        for lookup in source.lookups:
            for file in find(self.project.root, lookup.path):
                parts.append(f"{file.name} {file.size} {file.mtime_ns}")
        return sha256(repr(parts).encode()).hexdigest()[:32]


def plain(value: Any) -> Any:
    """A definition as plain values, without places and words that change nothing in a load."""
    if is_dataclass(value):
        named = {f.name: getattr(value, f.name) for f in fields(value) if f.name not in _NOT_LOADED}
        return (type(value).__name__, sorted((k, repr(plain(v))) for k, v in named.items()))
    if isinstance(value, Mapping):
        return sorted((str(k), repr(plain(v))) for k, v in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain(v) for v in value]
    return value
