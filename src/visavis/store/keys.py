"""API keys: shown once, kept as keyed hashes, seen at once by every process that serves.

They live in one small file that is replaced as a whole, so that a server tells by one stat call
whether anything changed.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from visavis.store.key import project_key

Kind = Literal["write", "secret", "signing"]
_NAME = "keys.json"
_LOOK_SECONDS = 0.005
"""How often it is looked whether a key that is known was revoked: each look is a system call."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key. A write key sends events, a secret key reads profiles and admin.

    With a signing key the brand signs tokens that say who its user is; it opens nothing by itself.
    """

    id: str
    kind: Kind
    hash: str
    created_at: int
    hint: str = ""
    revoked_at: int | None = None


def create(state: Path, kind: Kind, now_ms: int, value: str | None = None) -> tuple[Key, str]:
    """A new key and its text, which is not kept.

    Raises ValueError when `value` is a key already: what it may do would be unclear.
    """
    key_id = secrets.token_hex(4)
    text = value or f"{'wk' if kind == 'write' else 'sk'}_{secrets.token_urlsafe(24)}"
    if kind == "signing":
        text = _signing_text(state, key_id)
    hashed = _hash(state, text)
    with _changing(state) as keys:
        if any(key.hash == hashed and key.revoked_at is None for key in keys):
            raise ValueError("this key exists already")
        key = Key(key_id, kind, hashed, now_ms, text[:4] if len(text) > 11 else "")
        keys.append(key)
    return key, text


def listed(state: Path) -> list[Key]:
    """Every key ever made, oldest first."""
    try:
        text = (state / _NAME).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [Key(**entry) for entry in json.loads(text)]


def revoke(state: Path, key_id: str, now_ms: int) -> Key | None:
    """Ends a key by its id; None when there is no such key in force."""
    with _changing(state) as keys:
        for i, key in enumerate(keys):
            if key.id == key_id and key.revoked_at is None:
                keys[i] = Key(**{**asdict(key), "revoked_at": now_ms})
                return keys[i]
    return None


class Keyring:
    """The keys of a project as a server needs them: from a key's text to what it is."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._file = str(state / _NAME)
        self._stamp: tuple[int, int, int] | None = None
        self._looked = 0.0
        self._by_hash: dict[str, Key] = {}
        self._seen: dict[str, Key | None] = {}

    def find(self, text: str) -> Key | None:
        """The key in force with this text, as of now; a revoked one for 5 ms longer at most."""
        looked = time.monotonic()
        if looked - self._looked < _LOOK_SECONDS and (known := self._seen.get(text)) is not None:
            return known
        self._looked = looked
        stamp = self._now()
        if stamp != self._stamp:
            self._by_hash = {k.hash: k for k in listed(self._state) if k.revoked_at is None}
            self._seen, self._stamp = {}, stamp
        try:
            return self._seen[text]
        except KeyError:
            found = self._by_hash.get(_hash(self._state, text))
            if len(self._seen) < 10_000:
                self._seen[text] = found
            return found

    def signing(self) -> list[str]:
        """The texts of the signing keys in force: made from the project's key, kept nowhere."""
        self.find("")
        ids = [key.id for key in self._by_hash.values() if key.kind == "signing"]
        return [_signing_text(self._state, key_id) for key_id in ids]

    def _now(self) -> tuple[int, int, int]:
        try:
            found = os.stat(self._file)
        except FileNotFoundError:
            return (0, 0, 0)
        return (found.st_ino, found.st_mtime_ns, found.st_size)


def _signing_text(state: Path, key_id: str) -> str:
    made = hmac.digest(project_key(state), f"signing key\x1f{key_id}".encode(), "sha256")
    return f"us_{urlsafe_b64encode(made).decode().rstrip('=')}"


def _hash(state: Path, text: str) -> str:
    key = project_key(state)
    return hmac.digest(key, b"api key\x1f" + text.encode("utf-8", "replace"), "sha256").hex()


@contextmanager
def _changing(state: Path) -> Iterator[list[Key]]:
    """The keys as a list to change; written back, whole or not at all, if nothing is raised."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / f"{_NAME}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keys = listed(state)
        yield keys
        new = state / f"{_NAME}.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump([asdict(key) for key in keys], file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, state / _NAME)
