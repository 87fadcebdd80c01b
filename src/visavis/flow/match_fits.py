"""What match rules learned, kept in the build (`matching.json`) and taken over by the next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from visavis.store.builds import Build
from visavis.unify.matches import MatchFits

FILE = "matching.json"


def fits_of(before: Build | None, as_of_ms: int, frozen: bool = False) -> MatchFits:
    """The fits of a build, for one of that moment or later; `frozen`: to be used as they are."""
    if before is None or (before.as_of > as_of_ms and not frozen):
        return MatchFits()
    held = _held(before)
    if not held:
        return MatchFits()
    from visavis.unify.matching.kept import from_text

    return MatchFits({name: from_text(text) for name, text in held.items()}, frozen)


def write_fits(folder: Path, fits: MatchFits) -> None:
    """Writes the fits that were used, if there are any."""
    if fits.used:
        held = {name: kept.text for name, (kept, _) in sorted(fits.used.items())}
        text = json.dumps(held, ensure_ascii=False)
        (folder / FILE).write_text(f"{text}\n", encoding="utf-8")


def told(fits: MatchFits, build_id: str, before: Build | None) -> dict[str, Any]:
    """What the manifest says of each rule: the fit, the build that learned it and why then."""
    earlier = before.manifest.get("matching", {}) if before else {}
    return {
        name: {"fit": kept.id, "records": kept.proposal.rows, "learned_in": build_id,
               "because": why} if why else earlier[name]
        for name, (kept, why) in sorted(fits.used.items())
    }  # fmt: skip


def _held(build: Build) -> dict[str, str]:
    try:
        text = (build.path / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return dict(json.loads(text))
