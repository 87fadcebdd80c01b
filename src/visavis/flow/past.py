"""Messages of before as a decision takes them into account, in a batch and live alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from visavis.core.nouns import Project
from visavis.decide.rules import Past
from visavis.store.outbox import KEPT


def past_of(row: Sequence[Any], project: Project, counted: Collection[str]) -> Past:
    """What a row of `Outbox.past` means; `counted` are the states that caps count."""
    kind, value, _by, _named, campaign, occasion, channel, purpose, at, status, planned = row
    kept = status == KEPT
    if kept and campaign in project.offers:
        purpose = project.offers[campaign].purpose
    return Past(
        campaign, occasion, (kind, value), channel, purpose, at, status in counted, planned, kept
    )
