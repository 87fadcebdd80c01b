"""Orders that several sources tell, under one namespace: the most trusted source's, then the latest."""

from __future__ import annotations

from visavis.collect.context import Context


def settle_namespaces(context: Context) -> None:
    """Marks orders that another source of the same namespace tells better."""
    del context
