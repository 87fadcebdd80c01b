"""`preview`: an offer's content as one person would get it."""

from __future__ import annotations

from pathlib import Path

from visavis.core.clock import zone
from visavis.core.lang.reader import compile_program
from visavis.core.offers import Offer
from visavis.core.pressure import zone_of
from visavis.core.problems import Problem, ProblemsError, nearest
from visavis.decide.asking import features_of
from visavis.decide.content import Renderer
from visavis.decide.rules import Unrendered
from visavis.flow.due import NO_SITE
from visavis.flow.persons import find_person, open_lake, read_catalogue, read_history
from visavis.flow.projects import load_project
from visavis.flow.published import open_warehouse, published


def preview(root: Path, person: str, offer: str, at_ms: int) -> dict[str, str]:
    """The rendered parts, by the folder's present content and definitions.

    Raises ProblemsError for nobody, an unknown offer, or a field that the person lacks.
    """
    project = load_project(root)
    if offer not in project.offers:
        message = f"there is no offer '{offer}'"
        raise ProblemsError([Problem("unknown-name", message, hint=nearest(offer, project.offers))])
    with published(root) as at, open_warehouse(project) as wh:
        open_lake(wh, at)
        found = find_person(wh, at, person)
        history = read_history(wh, at.project(), found.nodes)
        catalogue = read_catalogue(wh, at, history)
    local = zone(project.time_zone)
    program = compile_program(project.traits, {}, local)
    values = program.run(history, min(at_ms, at.build.as_of), at.fits(), catalogue).values
    wanted = {name: values.get(name) for name in features_of(project, [project.offers[offer]])}
    language, place = wanted.get("language"), wanted.get("time_zone")
    renderer = Renderer(
        project, wanted, zone_of(place if isinstance(place, str) else None, local), at_ms, _link,
        language if isinstance(language, str) else None,
    )  # fmt: skip
    try:
        return dict(renderer(project.offers[offer], ("email", "preview@example.invalid")))
    except Unrendered as error:
        message = f"{error.reason}: {error.detail}" if error.detail else str(error.reason)
        raise ProblemsError([Problem("not-rendered", message, error.place)]) from error


def _link(_address: object, _offer: Offer) -> str:
    return f"{NO_SITE}preview"
