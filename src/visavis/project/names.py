"""What definitions may be called."""

from __future__ import annotations

import re

from visavis.core.lang.functions import FUNCTIONS
from visavis.core.problems import Place, Problem


def name_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}")
_TAG = re.compile(r"[\w-]+(/[\w-]+)*")
_WORDS = name_set(
    """
    and or not is in like between case when then else end null true false distinct filter where
    interval now today if in_segment days_since years_since hours_since to_decimal to_float
    person person_id cast select from
    """
)
RESERVED = _WORDS | {name for name in FUNCTIONS if name.isidentifier()}
"""Words of the language and of the tables; no value can be called so."""


def check_name(noun: str, name: str, place: Place, problems: list[Problem]) -> bool:
    """Whether a value that expressions name can be called so; reports it if not."""
    if not _NAME.fullmatch(name):
        hint = "Use small letters a to z, digits and _, not beginning with a digit."
        message = f"No {noun} can be called '{name}'."
        problems.append(Problem("bad-name", message, place, hint))
        return False
    if name in RESERVED:
        message = f"'{name}' is a word of the language and can't be the name of a {noun}."
        problems.append(Problem("reserved-name", message, place, f"Call it '{name}_value', say."))
        return False
    return True


def check_file_name(noun: str, name: str, place: Place, problems: list[Problem]) -> bool:
    """Whether a definition whose name becomes part of a file's can be called so."""
    if _FILE_NAME.fullmatch(name):
        return True
    hint = "Use letters a to z, digits, _ and -."
    problems.append(Problem("bad-name", f"No {noun} can be called '{name}'.", place, hint))
    return False


def check_tag(path: str, place: Place, problems: list[Problem]) -> bool:
    """Whether a tag can be called so."""
    if _TAG.fullmatch(path):
        return True
    hint = "Use letters, digits, _ and -, with / between levels, like lifecycle/active."
    problems.append(Problem("bad-name", f"No tag can be called '{path}'.", place, hint))
    return False
