"""`report`: brings the published build and the rules of `measure` together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from visavis.core.clock import DAY_MS, zone
from visavis.core.nouns import Project
from visavis.core.problems import Problem, ProblemsError, nearest
from visavis.flow.published import Published, open_warehouse, people_as_of, published
from visavis.measure.charts import draw
from visavis.measure.economics import economics
from visavis.measure.lifecycle import lifecycle
from visavis.measure.profiles import profiles
from visavis.measure.repeat import repeat
from visavis.measure.report import Report
from visavis.store.engines.duckdb_names import text_literal, time_literal
from visavis.store.relations import create_view
from visavis.store.views import open_views
from visavis.store.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

MOVEMENT_DAYS = 90
"""How far back `lifecycle` looks for where people moved from, unless told."""
AFTER_DAYS = 30
"""How long after a message or a draw `campaigns` and `lift` look for orders, unless told."""
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "lifecycle": ("lifecycle", "revenue"),
    "repeat": ("orders", "revenue"),
}


def report(root: Path, name: str, since_ms: int | None = None, days: int = AFTER_DAYS) -> Report:
    """The report of that name over the published build, as of the build's moment.

    `since_ms`: the moment that `lifecycle` compares with. `days`: how long after a message or
    a draw `campaigns` and `lift` look. Raises ProblemsError for an unknown
    name, a project that was not built, or traits that the report needs and the project lacks.
    """
    if name not in REPORTS:
        message = f"there is no report '{name}'"
        raise ProblemsError([Problem("unknown-report", message, hint=nearest(name, REPORTS))])
    if name == "sources":
        return _sources(root)
    with published(root) as at:
        project = at.project()
        _check_traits(name, project)
        with open_warehouse(project) as wh:
            wh.use_zone(zone(project.time_zone))
            before = since_ms if since_ms is not None else at.build.as_of - MOVEMENT_DAYS * DAY_MS
            if name == "lifecycle":
                wh.register("people_before", _people_before(at, project, before))
            _relations(wh, at)
            return _made(name, wh, at, project, before, days)


def chart(made: Report, path: Path) -> None:
    """Draws a report into a file: .svg, .png or .html."""
    draw(made, path)


def _check_traits(name: str, project: Project) -> None:
    missing = [trait for trait in _NEEDED.get(name, ()) if trait not in project.traits]
    if missing:
        hint = "Take it over from the traits that `visavis init` writes."
        raise ProblemsError(
            Problem("missing-trait", f"report {name} needs the trait '{trait}'", hint=hint)
            for trait in missing
        )


def _made(
    name: str, wh: Warehouse, at: Published, project: Project, before: int, days: int
) -> Report:
    as_of = at.build.as_of
    if name == "lifecycle":
        return lifecycle(wh, as_of, before)
    if name == "profiles":
        return profiles(wh, as_of)
    if name in ("campaigns", "lift"):
        from visavis.flow.effects import campaigns_made, lift_made

        made = lift_made if name == "lift" else campaigns_made
        return made(wh, at, days)
    if name == "identity":
        from visavis.flow.identity_report import identity

        return identity(wh, at)
    if name == "repeat":
        return repeat(wh, as_of, zone(project.time_zone).date_of(as_of))
    from visavis.flow.costs import join_costs

    join_costs(wh, at, project)
    return economics(wh, as_of)


def _people_before(at: Published, project: Project, before_ms: int) -> pa.Table:
    """`(person_id, lifecycle)` as of an earlier moment; its relations are of that moment too."""
    with open_warehouse(project) as wh:
        people_as_of(wh, at, project, before_ms)
        return wh.arrow(
            "SELECT p.person_id, t.lifecycle FROM people_traits AS t "
            "JOIN persons AS p USING (person)"
        )


def _relations(wh: Warehouse, at: Published) -> None:
    """`people`, `orders` (null person: a guest's) and `guest_orders`, as of the build's moment."""
    # no report reads the messages and decisions of users' queries
    open_views(wh, at.build, at.lake.path, "SELECT person_id FROM people")
    create_view(
        wh,
        "orders",
        "SELECT n.person_id, e.message_id, e.seq, e.ts, visavis_date(e.ts) AS local_day, "
        "e.p_revenue AS revenue, e.channel FROM lake_events AS e "
        "LEFT JOIN node_persons AS n ON n.node = e.node "
        f"WHERE e.event = {text_literal('Order Completed')} AND e.void IS NOT TRUE "
        f"AND e.ts <= {time_literal(at.build.as_of)}",
    )
    create_view(wh, "guest_orders", "SELECT * FROM orders WHERE person_id IS NULL")


def _sources(root: Path) -> Report:
    """As of the published build's moment, for a build of the past is fed by data of its time."""
    from visavis.flow.sources import loaded_register

    with published(root) as at:
        rows = loaded_register(root, at.build.as_of)
        return Report("sources", "How good each source is", at.build.as_of, {"sources": rows})


REPORTS: tuple[str, ...] = (
    "lifecycle", "repeat", "economics", "sources", "campaigns", "lift", "profiles",
    "identity",
)  # fmt: skip
"""Every report there is."""
