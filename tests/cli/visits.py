"""A folder of visits, each naming some identifiers, and the command line over it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from click.testing import CliRunner

from visavis.cli.main import cli

HEAD = "customer,user,card,mail,phone,device,anon,time"
SOURCES = """\
sources:
  visits:
    from: data/visits*.csv
    kind: events
    event: Page Viewed
    map: {time: time}
    identifiers:
      customer_id: customer
      user_id: user
      loyalty_id: card
      email: mail
      phone: phone
      device_id: device
      anonymous_id: anon
"""
FILES = {
    "visavis.yml": "name: Shop\ntime_zone: UTC\ncurrency: EUR\n",
    "identity.yml": "kinds: {}\n",
    "sources/visits.yml": SOURCES,
    "traits/traits.yml": "traits:\n  views: {event: Page Viewed, value: count()}\n",
    "segments/segments.yml": "segments:\n  seen: views >= 2\n",
    "tags/tags.yml": "tags:\n  loyal: {condition: views >= 3, weight: views}\n",
}
PLACES = HEAD.split(",")


def visit(day: int, **held: str) -> str:
    """One row: columns by name; the day is of January 2024."""
    moment = f"2024-01-{day:02d}T00:00:00"
    return ",".join(moment if name == "time" else _quoted(held.get(name, "")) for name in PLACES)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\n\r ') else text


@dataclass
class Visits:
    """The project in `root`."""

    root: Path

    @classmethod
    def make(cls, root: Path, rows: Sequence[str], **changes: str) -> Visits:
        """The folder with its first visits; `changes` replace files, named with _ for / and ."""
        for name, text in FILES.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(changes.pop(name.replace("/", "_").replace(".", "_"), text))
        assert not changes
        made = cls(root)
        made.add(1, rows)
        return made

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def add(self, number: int, rows: Sequence[str]) -> None:
        """One more file of visits."""
        self.write(f"data/visits{number}.csv", "\n".join([HEAD, *rows]) + "\n")

    def __call__(self, *args: str, day: str = "2024-02-01", code: int = 0) -> Any:
        """What a command says as JSON; with another exit code what it says on standard error."""
        with mock.patch.dict(os.environ, {"VISAVIS_NOW": f"{day}T00:00:00Z"}):
            command = ["-p", str(self.root), "--json", "--quiet", *args]
            done = CliRunner().invoke(cli, command, catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done.stderr if code else json.loads(done.stdout)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self("query", sql)]

    def people(self) -> set[frozenset[str]]:
        """The identifiers of each person."""
        found = self("query", "SELECT person_id, kind || ':' || value AS name FROM identifiers")
        held: dict[str, set[str]] = {}
        for row in found:
            held.setdefault(row["person_id"], set()).add(row["name"])
        return {frozenset(names) for names in held.values()}

    def ids(self) -> dict[str, str]:
        """The person_id of each identifier."""
        found = self("query", "SELECT kind || ':' || value AS name, person_id FROM identifiers")
        return {row["name"]: row["person_id"] for row in found}

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """What the published build says of people."""
        return {
            name: self.query(f"SELECT * FROM {name} ORDER BY ALL")
            for name in ("people", "identifiers", "tags", "segment_members")
        }
