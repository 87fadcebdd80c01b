"""Law: a query's fields are those that the standard library finds, escaped or not."""

from __future__ import annotations

from urllib.parse import parse_qsl

from hypothesis import example, given
from hypothesis import strategies as st

from visavis.serve.http import Request


async def _nothing() -> dict[str, object]:
    return {}


@given(st.text("ab=&%+;2 \xe9\u4e2d#\n", max_size=12).map(str.encode))
@example(b"user_id=u1")
@example(b"a=1&b=2&a=3&&c=&=4&d")
@example(b"a=%C3%A9+b")
@example(b"a\xff=1")
def test_the_fields_of_a_query(query: bytes) -> None:
    asked = Request("GET", "/", query, {}, _nothing).asked()
    assert asked == dict(parse_qsl(query.decode("utf-8", "replace")))
    assert [*asked] == [*dict(parse_qsl(query.decode("utf-8", "replace")))]
