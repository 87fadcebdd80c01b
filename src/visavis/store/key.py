"""The project's key: 32 random bytes outside git; without it ids of people tell nothing."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

_NAME = "key"


def project_key(state: Path) -> bytes:
    """The key of a state directory, made on first use; only its owner may read the file."""
    path = state / _NAME
    if not path.exists():
        _make(path)
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{secrets.token_hex(32)}\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
