"""Extras that a command needs, told before its work begins."""

from __future__ import annotations

from visavis.core.problems import Problem, ProblemsError


def need_splink() -> None:
    """Raises ProblemsError unless the extra `matching` is installed."""
    from importlib.util import find_spec

    if find_spec("splink") is None:
        raise ProblemsError(
            [
                Problem(
                    "missing-extra",
                    "Matching needs Splink, which is not installed.",
                    None,
                    "pip install 'visavis[matching]'",
                )
            ]
        )
