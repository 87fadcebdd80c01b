"""A project in a temporary folder, collected, and looked at as the build sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visavis.collect.batch import collect
from visavis.core.lang.types import Type
from visavis.core.nouns import IdentifierKind, Project, Source
from visavis.core.problems import Place
from visavis.core.progress import SILENT
from visavis.store.lake import Lake
from visavis.store.relations import Snapshot, create_views
from visavis.store.state import State
from visavis.store.warehouse import connect

NOW = 1_600_000_000_000
KINDS = {
    "customer_id": IdentifierKind("customer_id", unique=True, priority=1, blocked=("guest", "0")),
    "email": IdentifierKind("email", priority=10),
    "phone": IdentifierKind("phone", priority=20),
}
ROLES = {"customer": "cust", "order": "ord", "time": "at", "product": "sku"}
AMOUNT = {**ROLES, "amount": "amount"}
_ID_ROLES = {"customer": "customer_id", "email": "email", "phone": "phone"}


def source(
    name: str = "shop", kind: str = "orders", origin: str = "shop.csv", **given: Any
) -> Source:
    roles = given.setdefault("roles", AMOUNT if kind == "orders" else {})
    if kind == "orders":
        ids = {k: roles[role] for role, k in _ID_ROLES.items() if role in roles}
        given["identifiers"] = {**ids, **given.get("identifiers", {})}
    return Source(name, kind, origin, Place("sources/s.yml", 2, 3), **given)  # type: ignore[arg-type]


class Shop:
    """Sources over a folder; `collect()` takes in, `rows()` asks the lake's views."""

    def __init__(self, root: Path, *sources: Source, **settings: Any) -> None:
        self.root = root
        self.settings = settings
        self.sources = {s.name: s for s in sources}
        self.state_dir = root / ".visavis"

    @property
    def project(self) -> Project:
        settings: dict[str, Any] = {"currency": "EUR", "kinds": KINDS, **self.settings}
        return Project(self.root, "shop", sources=self.sources, **settings)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def collect(self, now_ms: int = NOW) -> list[Any]:
        work = self.root / "spill"
        with connect("1GB", work, 1) as wh, State(self.state_dir / "state.db") as state:
            wh.execute("SET preserve_insertion_order = false")
            lake = Lake(self.state_dir)
            lake.sweep(state)
            return collect(self.project, lake, state, wh, now_ms, SILENT)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        properties: dict[str, Type] = {
            "order_id": Type.TEXT, "revenue": Type.DECIMAL, "currency": Type.TEXT,
            "discount": Type.DECIMAL, "items": Type.DECIMAL, "payment_method": Type.TEXT,
            "promotion": Type.TEXT, "cost": Type.DECIMAL, "place": Type.TEXT,
        }  # fmt: skip
        lines = {
            "product_id": Type.TEXT, "quantity": Type.DECIMAL, "price": Type.DECIMAL,
            "amount": Type.DECIMAL, "discount": Type.DECIMAL, "category": Type.TEXT,
        }  # fmt: skip
        for s in self.sources.values():
            properties |= {f.name: f.type for f in s.fields}
            lines |= {f.name: f.type for f in s.line_fields}
        with connect() as wh, State(self.state_dir / "state.db") as state:
            loads = tuple(x.load_id for x in state.loads())
            every = tuple(x.load_id for x in state.loads(active_only=False))
            lake = Lake(self.state_dir)
            create_views(wh, Snapshot(lake.path, loads, every, properties, lines), "")
            return wh.rows(sql)

    def orders(self) -> list[tuple[Any, ...]]:
        """(message id, event, revenue as float, number of lines) by message id."""
        return [
            (m, e, float(r), n)
            for m, e, r, n in self.rows(
                "SELECT message_id, event, p_revenue, (SELECT count(*) FROM lines AS l "
                "WHERE l.seq = e.seq) FROM events AS e ORDER BY message_id"
            )
        ]

    def quarantine(self) -> list[tuple[Any, ...]]:
        """(file, row number, reason code) of what is not yet taken in."""
        return self.rows(
            "SELECT file, row_number, split_part(reason, ':', 1) FROM quarantine "
            "WHERE NOT replayed ORDER BY ALL"
        )
