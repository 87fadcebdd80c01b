"""Arms: the share of people nothing is sent to, drawn once by a stable hash and then kept.

The draw depends on the project's key, the experiment and the identifier alone. What was drawn is
recorded under the identifier; a later share draws only those who have no arm yet.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from visavis.core.decisions import Identifier

Arm = Literal["treated", "held out"]
Standing = Literal["treated", "held out", "contaminated"]
HOLDOUT = "holdout"
"""The experiment that is the share of the whole project."""
CONTROL = "control:"
"""What the experiment of an offer's own control group begins with."""
_SEPARATOR = "\x1f"


def control_of(offer: str) -> str:
    """The experiment of an offer's own control group, drawn among the treated."""
    return f"{CONTROL}{offer}"


def drawer(key: bytes, experiment: str, share: float) -> Callable[[Identifier], Arm]:
    """The function from an identifier to its arm: `share` of all identifiers are held out.

    A larger share holds out whom a smaller one does, and more.
    """
    start = hmac.new(key, f"arm{_SEPARATOR}{experiment}{_SEPARATOR}".encode(), hashlib.sha256)
    bound = round(share * 2**64)

    def draw(identifier: Identifier) -> Arm:
        digest = start.copy()
        digest.update(_SEPARATOR.join(identifier).encode())
        number = int.from_bytes(digest.digest()[:8], "big")
        return "held out" if number < bound else "treated"

    return draw


def standing(
    recorded: Mapping[Identifier, Arm], identifiers: Iterable[Identifier]
) -> Standing | None:
    """What the recorded arms of all of a person's identifiers say; None where none is recorded.

    A person put together from both arms is contaminated: never sent to, and counted in neither.
    """
    arms = {recorded[name] for name in identifiers if name in recorded}
    if len(arms) > 1:
        return "contaminated"
    return arms.pop() if arms else None
