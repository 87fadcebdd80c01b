"""visavis.yml: what holds for the whole project, and the settings that expressions may name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from visavis.core.lang.form import Literal
from visavis.core.lang.types import DECIMAL_LIMIT, INTEGER_MAX, SCALE, Type
from visavis.core.problems import Place, Problem
from visavis.core.schedule import Job, is_cron
from visavis.project.names import check_name
from visavis.project.section import Section

DEFAULTS = {
    "active_days": Literal(Type.INTEGER, 90),
    "defecting_days": Literal(Type.INTEGER, 365),
    "long_term_days": Literal(Type.INTEGER, 365),
}
"""The lifecycle and loyalty limits that are usual in the field; a project may set its own."""
_SHORTEST_MS = 60_000
_INTEGER = re.compile(r"-?\d{1,19}")
_DECIMAL = re.compile(r"(-?)(\d{1,12})\.(\d{1,6})")
_MEMORY = re.compile(r"\d+(\.\d+)? ?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Settings:
    """The project's own values; `names` are those of `settings`, as literals."""

    name: str = ""
    time_zone: str = "UTC"
    currency: str = "EUR"
    language: str = "en"
    holdout: float = 0.0
    state: str = ".visavis"
    keep_builds: int = 5
    memory_limit: str | None = None
    max_build_age_ms: int | None = None
    schedule: Mapping[str, Job] = field(default_factory=dict)
    names: Mapping[str, Literal] = field(default_factory=dict)


def read_settings(section: Section, problems: list[Problem]) -> Settings:
    """The settings of visavis.yml, with defaults for what isn't there."""
    keep = section.integer("keep_builds")
    if keep is not None and keep < 1:
        message = "'keep_builds' must be at least 1."
        problems.append(Problem("wrong-value", message, section.at("keep_builds")))
    return Settings(
        name=section.text("name"),
        time_zone=section.text("time_zone", "UTC"),
        currency=section.text("currency", "EUR"),
        language=section.text("language", "en"),
        holdout=section.values.get("holdout", 0.0),
        state=section.text("state", ".visavis"),
        keep_builds=5 if keep is None else max(1, keep),
        memory_limit=_memory(section, problems),
        max_build_age_ms=section.integer("max_build_age"),
        schedule=_schedule(section.section("schedule"), problems),
        names=_names(section, problems),
    )


def _memory(section: Section, problems: list[Problem]) -> str | None:
    limit = section.maybe("memory_limit")
    if limit is not None and not _MEMORY.fullmatch(limit):
        message = f"'{limit}' is no amount of memory."
        place = section.at("memory_limit")
        problems.append(Problem("wrong-value", message, place, "Write it like 4GB."))
        return None
    return limit


def _schedule(section: Section | None, problems: list[Problem]) -> dict[str, Job]:
    jobs = {name: section.section(name) for name in section.keys} if section else {}
    read = {name: _job(name, job, problems) for name, job in jobs.items() if job is not None}
    return {name: job for name, job in read.items() if job is not None}


def _job(name: str, section: Section, problems: list[Problem]) -> Job | None:
    every, cron = section.integer("every"), section.maybe("cron")
    if section.has("every") == section.has("cron"):
        both = section.has("every")
        code = "conflicting-keys" if both else "missing-key"
        ways = "both 'every' and 'cron'" if both else "neither 'every' nor 'cron'"
        message = f"'{name}' is scheduled by {ways}."
        place = section.keys.get("cron", section.place)
        problems.append(Problem(code, message, place, "Give one of the two."))
    elif every is not None and every < _SHORTEST_MS:
        message = f"'{name}' can run once a minute at most."
        hint = "Write it like `every: 15 minutes`."
        problems.append(Problem("wrong-value", message, section.at("every"), hint))
    elif cron is not None and not is_cron(cron):
        message = f"'{cron}' is no cron expression, or never comes."
        hint = "Five fields: minute, hour, day, month, weekday, like '30 3 * * mon-fri'."
        problems.append(Problem("bad-cron", message, section.at("cron"), hint))
    elif every is not None or cron is not None:
        return Job(every, cron)
    return None


def _names(section: Section, problems: list[Problem]) -> dict[str, Literal]:
    names = dict(DEFAULTS)
    for name, text in section.text_map("settings").items():
        key = f"settings.{name}"
        if check_name("setting", name, section.keys[key], problems):
            names[name] = _literal(text, section.at(key))
    return names


def _literal(text: str, place: Place) -> Literal:
    """A whole number, a decimal, true or false, else text."""
    found = _DECIMAL.fullmatch(text)
    if found:
        whole, fraction = int(found[2]), int(found[3].ljust(6, "0"))
        scaled = (whole * SCALE + fraction) * (-1 if found[1] else 1)
        if abs(scaled) <= DECIMAL_LIMIT:
            return Literal(Type.DECIMAL, scaled, place=place)
    if _INTEGER.fullmatch(text) and abs(int(text)) <= INTEGER_MAX:
        return Literal(Type.INTEGER, int(text), place=place)
    if text in ("true", "false"):
        return Literal(Type.BOOLEAN, text == "true", place=place)
    return Literal(Type.TEXT, text, place=place)
