"""Counts the triples that the laws asked both readers, and shows the sum."""

from __future__ import annotations

import pytest

TRIPLES = "triples"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    counts = [n for r in reports for key, n in r.user_properties if key == TRIPLES]
    if counts:
        terminalreporter.write_line(
            f"laws: {sum(counts)} (expression, history, now) triples asked of both readers"
        )
