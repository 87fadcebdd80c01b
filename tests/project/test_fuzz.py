"""However a project is mangled, loading it tells Problems with places and never fails."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.core.problems import Problem, render
from visavis.project.load import load_texts
from visavis.project.templates import template_files

STARTER = template_files("starter")
PIECES = st.sampled_from(
    [":", "- ", "\n", " ", "'", '"', "|", "{", "}", "[", "&a", "*a", "#", "~", "\t", "é", "😀",
     "value:", "event:", "(", ")", "now()", "count(", "\x07", "\u2028", "%", "!x "]
)  # fmt: skip


@st.composite
def mangled(draw: st.DrawFn) -> dict[str, str]:
    texts = dict(STARTER)
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(sorted(texts)))
        text = texts[name]
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        texts[name] = text[:start] + draw(st.lists(PIECES, max_size=3).map("".join)) + text[end:]
    return texts


@settings(max_examples=150, deadline=None)
@given(mangled())
def test_a_mangled_project_never_raises(texts: dict[str, str]) -> None:
    problems: list[Problem] = []
    load_texts(Path("."), texts, problems)
    lines = {name: text.splitlines() for name, text in texts.items()}
    for problem in problems:
        assert problem.place is not None
        assert problem.place.file in texts
        assert 1 <= problem.place.line <= len(lines[problem.place.file]) + 1
        assert problem.place.column >= 1
        assert render(problem, lines)
