"""How identifiers are compared: one normal form per kind, for the build and for one person alike.

Two forms. The *value* is what is kept and shown, and what a message is sent to: the text as given,
trimmed, NFC, e-mails in lower case. The *key* is only for comparing: two identifiers of a kind with
one key are the same. The SQL of the value and of an e-mail's key stands beside the Python, and
tests/laws hold them equal.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping
from functools import lru_cache

from visavis.core.phones import phone_key
from visavis.core.text import lower, nfc

PROVIDERS: Mapping[str, tuple[str, bool, str]] = {
    "gmail.com": ("gmail.com", True, "+"),
    "googlemail.com": ("gmail.com", True, "+"),
    "outlook.com": ("outlook.com", False, "+"),
    "hotmail.com": ("hotmail.com", False, "+"),
    "live.com": ("live.com", False, "+"),
    "icloud.com": ("icloud.com", False, "+"),
    "me.com": ("icloud.com", False, "+"),
    "fastmail.com": ("fastmail.com", False, "+"),
    "proton.me": ("proton.me", False, "+"),
    "protonmail.com": ("proton.me", False, "+"),
    "pm.me": ("proton.me", False, "+"),
    "yandex.ru": ("yandex.ru", False, "+"),
    "yandex.com": ("yandex.ru", False, "+"),
    "ya.ru": ("yandex.ru", False, "+"),
}
"""Domain -> (the domain that it is the same as, whether dots in the name count for nothing, the
sign after which the name's rest is a label). Each as its provider documents it; addresses of other
domains are compared as they are."""

HASHES = ("sha256", "md5")
_HEX = {64: "sha256", 32: "md5"}


def normal_value(kind: str, value: str) -> str:
    """The value as it is kept: NFC, trimmed, e-mails in lower case."""
    text = nfc(value.strip())
    return lower(text) if family(kind) == "email" else text


@lru_cache(maxsize=1024)
def family(kind: str) -> str:
    """email, phone, social or other: which rules a kind follows, told by its name.

    `email_sha256`, `phone_hash` and the like follow those of what they are made from.
    """
    head = kind.split("_")[0]
    if head in ("email", "phone"):
        return head
    return "social" if head == "social" else "other"


def hash_of(value: str) -> str | None:
    """Which hash a text looks like: sha256 (64 hex digits), md5 (32), or None."""
    name = _HEX.get(len(value))
    return name if name and all(c in string.hexdigits for c in value) else None


def key_of(kind: str, value: str, country: str | None = None) -> str:
    """The comparing form of a normal value; a hash is compared in lower case.

    `country` (ISO 3166 alpha-2) is where phones without a country code are.
    """
    match family(kind):
        case "email" | "phone" if hash_of(value):
            return value.lower()
        case "email":
            return email_key(value)
        case "phone":
            return phone_key(value, country)
        case "social":
            return lower(value).removeprefix("@")
        case _:
            return value


def email_key(value: str) -> str:
    """The comparing form of an e-mail in lower case, by the rules of its provider."""
    name, at, domain = value.rpartition("@")
    rule = PROVIDERS.get(domain)
    if not at or rule is None:
        return value
    same_as, dots_ignored, label = rule
    name = name.partition(label)[0]
    if dots_ignored:
        name = name.replace(".", "")
    return f"{name}@{same_as}" if name else value


def email_key_sql(value: str) -> str:
    """SQL: email_key. `value` is evaluated several times."""
    domain = f"split_part({value}, '@', -1)"
    name = f"substring({value}, 1, length({value}) - length({domain}) - 1)"
    cases = []
    for given, (same_as, dots_ignored, label) in PROVIDERS.items():
        bare = f"split_part({name}, '{label}', 1)"
        bare = f"replace({bare}, '.', '')" if dots_ignored else bare
        cases.append(f"WHEN '{given}' THEN nullif({bare}, '') || '@{same_as}'")
    known = ", ".join(f"'{given}'" for given in PROVIDERS)
    made = f"coalesce(CASE {domain} {' '.join(cases)} END, {value})"
    return (
        f"CASE WHEN contains({value}, '@') AND {domain} IN ({known}) THEN {made} ELSE {value} END"
    )


def hashes_of(kind: str, value: str, country: str | None = None) -> frozenset[str]:
    """The hashes (hex, lower case) under which others may know a plain e-mail or phone.

    Of the value and of its key; of a phone also without the plus, as some systems want it.
    """
    if family(kind) not in ("email", "phone") or hash_of(value):
        return frozenset()
    forms = {value, key_of(kind, value, country)}
    if family(kind) == "phone":
        forms |= {form.removeprefix("+") for form in forms}
    return frozenset(
        hashlib.new(name, form.encode(), usedforsecurity=False).hexdigest()
        for form in forms
        for name in HASHES
    )


def squeezed(value: str) -> str:
    """The value without any white space and in lower case, as blocked values are compared."""
    return lower("".join(value.split()))
