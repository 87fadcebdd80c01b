"""The growth alarm: does a build join more people at once than the project says is sound?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visavis.core.nouns import Project
from visavis.core.problems import Problem, ProblemsError
from visavis.core.progress import Progress
from visavis.store.builds import Build
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.warehouse import Warehouse
from visavis.unify.growth import NO_GROWTH, growth

_NOTED, _FEW = 0.1, 100


def growth_since(before: Build | None, wh: Warehouse) -> dict[str, Any]:
    """The growth of `node_persons` since the build before."""
    if before is None:
        return dict(NO_GROWTH)
    persons = text_literal(str(before.table("persons")))
    return growth(wh, f"SELECT * FROM read_parquet({persons})", "SELECT * FROM node_persons")


def check_growth(
    project: Project, told: Mapping[str, Any], accepted: bool, progress: Progress
) -> None:
    """Raises ProblemsError `too-many-joins` for growth that identity.yml doesn't allow."""
    most, share = project.growth.joined, told["share"]
    what = f"{told['joined']} people ({share:.1%}) would become {told['into']}"
    if most is not None and share > most and not accepted:
        message = f"{what}; identity.yml allows {most:.1%} at once"
        hint = (
            f"{told['largest'][0]['people']} of them would be one: `visavis plan` names them. "
            "Block the value that joins them in identity.yml, or publish it: "
            "`visavis build --accept-joins`. The last build stays published."
        )
        raise ProblemsError([Problem("too-many-joins", message, project.growth.place, hint)])
    if share > (_NOTED if most is None else most) and told["joined"] >= _FEW:
        progress.note(f"{what.replace('would become', 'became')} since the build before.")
