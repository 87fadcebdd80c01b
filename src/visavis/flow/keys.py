"""API keys of a project, as commands show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from visavis.core.clock import format_time
from visavis.core.problems import Problem, ProblemsError
from visavis.flow.projects import load_project, state_of
from visavis.store import keys
from visavis.store.keys import Key, Kind


def create(root: Path, kind: str, value: str | None, now_ms: int) -> dict[str, Any]:
    """Makes a key: {id, kind, key, created_at}; its text is told here and never again."""
    state = state_of(load_project(root))
    try:
        key, text = keys.create(state, cast(Kind, kind), now_ms, value)
    except ValueError:
        message = "This key exists already."
        hint = "List keys with `visavis keys list`; revoke it first to make it anew."
        raise ProblemsError([Problem("duplicate-key", message, hint=hint)]) from None
    return {"id": key.id, "kind": key.kind, "key": text, "created_at": format_time(now_ms)}


def listed(root: Path) -> list[dict[str, Any]]:
    """The keys ever made, oldest first, without their texts."""
    return [_shown(key) for key in keys.listed(state_of(load_project(root)))]


def revoke(root: Path, key_id: str, now_ms: int) -> dict[str, Any] | None:
    """Ends a key; None when none with this id is in force."""
    key = keys.revoke(state_of(load_project(root)), key_id, now_ms)
    return None if key is None else _shown(key)


def _shown(key: Key) -> dict[str, Any]:
    ended = key.revoked_at
    return {
        "id": key.id,
        "kind": key.kind,
        "begins_with": key.hint,
        "created_at": format_time(key.created_at),
        "revoked_at": format_time(ended) if ended is not None else None,
    }
