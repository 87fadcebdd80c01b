"""Questions to the published build: SQL, who people are, how many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from visavis.core.problems import Problem, ProblemsError, nearest
from visavis.core.progress import SILENT, Progress
from visavis.flow.projects import default_memory, open_warehouse
from visavis.flow.published import Published, condition, people_as_of, published
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.views import check_read_only, open_views, shut, stream
from visavis.store.warehouse import connect

if TYPE_CHECKING:
    import pyarrow as pa


@contextmanager
def query(root: Path, sql: str) -> Iterator[pa.RecordBatchReader]:
    """The answer to a SQL query over the published build, in batches, while the block lasts.

    Read only, and shut off from every file but the build's and the lake's. Raises ProblemsError
    `bad-query` for what isn't one reading statement or can't be answered.
    """
    check_read_only(sql)
    with published(root) as at, connect(default_memory(), _spill(at)) as wh:
        open_views(wh, at.build, at.lake.path, sql)
        shut(wh, at.build, at.lake.path)
        yield stream(wh, sql)


def _spill(at: Published) -> Path:
    folder = at.state / "tmp" / "spill"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def people(
    root: Path,
    segment: str | None = None,
    where: str | None = None,
    columns: Sequence[str] | None = None,
) -> Iterator[pa.RecordBatchReader]:
    """People of the published build by person_id, with their traits (all, or those named)."""
    with published(root) as at:
        traits = list(at.build.manifest["traits"])
        wanted = ["person_id", *_known(columns, traits)]
        source = f"SELECT * FROM read_parquet({text_literal(str(at.build.table('people')))})"
        with connect(default_memory(), _spill(at)) as wh:
            if where is not None:
                from visavis.understand.batch import condition_sql

                project = at.project()
                kept = condition(project, where)
                sql = condition_sql(wh, project, kept, at.build.as_of, at.fits())
                source += f" WHERE {sql}"
            if segment is not None:
                source = f"SELECT * FROM ({source}) WHERE {_member(at, segment)}"
            taken = ", ".join(identifier(name) for name in wanted)
            yield stream(wh, f"SELECT {taken} FROM ({source}) ORDER BY person_id")


def _known(columns: Sequence[str] | None, traits: Sequence[str]) -> list[str]:
    if columns is None:
        return list(traits)
    wanted = [name for name in dict.fromkeys(columns) if name != "person_id"]
    unknown = [name for name in wanted if name not in traits]
    if unknown:
        raise ProblemsError(
            Problem("unknown-name", f"there is no trait '{name}'", hint=nearest(name, traits))
            for name in unknown
        )
    return wanted


def _member(at: Published, segment: str) -> str:
    segments = at.build.manifest["segments"]
    if segment not in segments:
        message = f"there is no segment '{segment}' in the published build"
        raise ProblemsError([Problem("unknown-name", message, hint=nearest(segment, segments))])
    members = text_literal(str(at.build.table("segment_members")))
    return (
        f"person_id IN (SELECT person_id FROM read_parquet({members}) "
        f"WHERE segment = {text_literal(segment)})"
    )


def count(
    root: Path,
    text: str,
    as_of_ms: int | None = None,
    now_ms: int = 0,
    progress: Progress = SILENT,
) -> int:
    """How many people a condition is true for, as of the build's moment or another.

    Another moment is worked out from the lake with the fits of the published build.
    """
    from visavis.understand.batch import condition_sql

    with published(root) as at:
        project = at.project()
        kept = condition(project, text)
        with open_warehouse(project) as wh, progress.step("count"):
            moment = people_as_of(wh, at, project, as_of_ms)
            sql = condition_sql(wh, project, kept, moment, at.fits())
            return int(wh.value(f"SELECT count(*) FROM people_traits WHERE {sql}"))
