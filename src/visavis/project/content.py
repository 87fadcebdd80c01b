"""content/: what is said, as Liquid templates, checked against the fields that there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from visavis.core.lang.parse import Located
from visavis.core.offers import BUILT_IN_FIELDS, PARTS, Content, Template
from visavis.core.problems import Place, Problem, nearest
from visavis.project.section import Section

if TYPE_CHECKING:
    from liquid import BoundTemplate

_FILES = {"text": (".txt", ".txt.liquid"), "html": (".html", ".html.liquid")}


class Contents:
    """Reads contents; `fields` are the names that templates may use."""

    def __init__(
        self, texts: Mapping[str, str], fields: Iterable[str], problems: list[Problem]
    ) -> None:
        self.texts = texts
        self.fields = frozenset(fields) | frozenset(BUILT_IN_FIELDS)
        self.problems = problems

    def read(self, name: str, section: Section) -> Content | None:
        """The content of a section, with the parts that stand in files of its name."""
        languages = {"": {**self._files(name), **_parts(section)}}
        for part in section.sections("languages"):
            languages[part.name] = {**self._files(f"{name}.{part.name}"), **_parts(part)}
        for key, located in section.values.get("data", {}).items():
            languages[""][key] = _template(located)
        for templates in languages.values():
            for template in templates.values():
                self._check(template)
        for field in section.text_map("defaults"):
            self._known(field, section.keys[f"defaults.{field}"], "default")
        if not languages[""]:
            message = f"The content '{name}' says nothing."
            hint = "Give it a subject and a text or html."
            self.problems.append(Problem("missing-key", message, section.place, hint))
            return None
        defaults = section.text_map("defaults")
        return Content(name, languages, defaults, section.place, section.text("description"))

    def of_offer(self, offer: Section, known: Collection[str]) -> tuple[str | None, Content | None]:
        """The name of an offer's content, and the content itself where it stands in the offer."""
        given = offer.values.get("content")
        if given is None:
            return None, None
        name = f"offer {offer.name}"
        if isinstance(given, Section):
            return name, self.read(name, given)
        text = given.text.strip()
        if text in known:
            return text, None
        if " " in text or "{{" in text or "\n" in text:
            template = _template(given)
            self._check(template)
            return name, Content(name, {"": {"text": template}}, {}, offer.place)
        if any(p.place and p.place.file.startswith("content/") for p in self._unread()):
            return text, None  # it may stand in the file that can't be read
        message = f"There is no content '{text}'."
        place = offer.at("content")
        self.problems.append(Problem("unknown-name", message, place, nearest(text, known)))
        return text, None

    def _unread(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.code == "yaml-syntax"]

    def _files(self, name: str) -> dict[str, Template]:
        found = {}
        for part, endings in _FILES.items():
            for ending in endings:
                file = f"content/{name}{ending}"
                if file in self.texts:
                    lines = self.texts[file].count("\n") + 1
                    starts = tuple((line, 1) for line in range(1, lines + 1))
                    found[part] = Template(self.texts[file], file, starts)
        return found

    def _check(self, template: Template) -> None:
        """Unknown fields and filters, and what is no Liquid."""
        from visavis.core.liquid import LiquidError, filters, parse

        located = Located(template.text, template.file, template.starts)
        try:
            parsed = parse(template)
        except LiquidError as error:
            message = f"This is not Liquid: {error.message}."
            self.problems.append(Problem("bad-template", message, located.place(error.offset)))
            return
        for name, offset in _names(parsed):
            self._known(name, located.place(offset), "template")
        for name, spans in parsed.analyze().filters.items():
            if name not in filters():
                message = f"There is no Liquid filter '{name}'."
                place = located.place(spans[0].index)
                hint = nearest(name, filters())
                self.problems.append(Problem("bad-template", message, place, hint))

    def _known(self, name: str, place: Place, what: str) -> None:
        if name not in self.fields:
            message = f"This {what} names '{name}', which is no trait."
            problem = Problem("unknown-field", message, place, nearest(name, self.fields))
            if problem not in self.problems:
                self.problems.append(problem)


def _names(parsed: BoundTemplate) -> Iterator[tuple[str, int]]:
    """Each field that a template names, with the offset of its first character.

    `person.first_name` is the same as `first_name`.
    """
    for name, uses in parsed.analyze().globals.items():
        for use in uses:
            if name != "person":
                yield name, use.span.index
            elif len(use.segments) > 1:
                yield str(use.segments[1]), use.span.index + len("person.")


def _parts(section: Section) -> dict[str, Template]:
    found = {}
    for part in PARTS:
        located = section.expression(part)
        if located is not None:
            found[part] = _template(located)
    return found


def _template(located: Located) -> Template:
    return Template(located.text, located.file, located.starts)
