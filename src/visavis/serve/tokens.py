"""Tokens by which a brand vouches whose a page is: JWTs, signed with a signing key (HS256).

`sub` is the user_id; `exp` must be there, so that a token that leaks is good for a while only.
"""

from __future__ import annotations

from typing import Any

from visavis.flow.live import Keyring
from visavis.serve.http import Refused

_OPTIONS: Any = {
    "require": ["exp", "sub"], "verify_exp": False, "verify_iat": False, "verify_nbf": False,
}  # fmt: skip


def user_of(token: str, keyring: Keyring, now_ms: int) -> str:
    """The user_id that a token vouches for; raises Refused 401."""
    import jwt

    for key in keyring.signing():
        try:
            claims = jwt.decode(
                token, key, algorithms=["HS256"], options=_OPTIONS, audience=None, issuer=None
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        user, until = claims.get("sub"), claims.get("exp")
        valid = isinstance(until, (int, float)) and until * 1000 > now_ms
        if isinstance(user, str) and user.strip() and valid:
            return user
    raise Refused(401, "bad-token", "this token is not signed by a signing key, or is over")
