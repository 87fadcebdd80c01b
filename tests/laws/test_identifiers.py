"""Laws of normal forms: the two readers agree, normal forms are fixed points, hashes meet plain."""

from __future__ import annotations

import hashlib

from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import (
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneMetadata,
    PhoneNumberFormat,
    PhoneNumberType,
    example_number_for_type,
    format_number,
    parse,
)

from visavis.collect import nodes
from visavis.core.identifiers import (
    PROVIDERS,
    email_key,
    email_key_sql,
    hashes_of,
    key_of,
    normal_value,
    phone_key,
    squeezed,
)
from visavis.core.nouns import IdentifierKind
from visavis.project.identity import BLOCKED
from visavis.store.warehouse import connect

WH = connect()
REGIONS = sorted(SUPPORTED_REGIONS)
DOMAINS = st.sampled_from([*PROVIDERS, "shop.example", "", "a@b.co", "GMAIL.com", "bücher.de"])
NAMES = st.text(st.sampled_from("abÄßİ.+-_@ 李小ǅ") | st.characters(codec="utf-8"), max_size=8)
EMAILS = st.builds(
    lambda name, at, domain: f"{name}{at}{domain}", NAMES, st.sampled_from(["@", ""]), DOMAINS
)
PHONES = st.from_regex(r"\A(\+|00)?[0-9]{1,4}[ /().-]{0,2}(\(0\))?[0-9 -]{3,12}\Z")


def asked(sql: str, values: list[str]) -> list[str]:
    import pyarrow as pa

    WH.register("given", pa.table({"i": range(len(values)), "v": pa.array(values, pa.string())}))
    return [row[0] for row in WH.rows(f"SELECT {sql} FROM given ORDER BY i")]


@given(st.lists(EMAILS.map(lambda e: normal_value("email", e.replace("\0", ""))), min_size=1))
def test_the_sql_of_an_email_key_is_the_python(emails: list[str]) -> None:
    assert asked(email_key_sql("v"), emails) == [email_key(email) for email in emails]


@given(EMAILS, PHONES, NAMES)
@example("@gmail.com", "+49000000", "")
def test_normal_forms_are_fixed_points(email: str, phone: str, name: str) -> None:
    for kind, value in (("email", email), ("phone", phone), ("social_id", name)):
        kept = normal_value(kind, value)
        assert normal_value(kind, kept) == kept or kind == "email"  # lower may leave NFC: once
        key = key_of(kind, kept, "DE")
        assert key_of(kind, key, "DE") == key or kind == "social_id"


@given(EMAILS | PHONES, st.sampled_from(["email", "phone"]), st.sampled_from([None, "DE", "CN"]))
def test_a_hash_meets_its_plain_side(text: str, kind: str, country: str | None) -> None:
    value = normal_value(kind, text)
    for form in (value, key_of(kind, value, country)):
        for name in ("sha256", "md5"):
            assert hashlib.new(name, form.encode()).hexdigest() in hashes_of(kind, value, country)


@given(st.sampled_from(BLOCKED), st.sampled_from([" ", "\t", "", "  ", "\u3000"]), st.booleans())
def test_blocked_values_in_any_case_and_spacing(value: str, space: str, loud: bool) -> None:
    text = space.join(value.upper() if loud else value)
    kind = IdentifierKind("user_id", blocked=BLOCKED)
    assert squeezed(text) in {squeezed(b) for b in BLOCKED}
    assert asked(nodes.blocked("v", kind), [text]) == [True]


@given(st.sampled_from(REGIONS), st.text("0123456789", min_size=5, max_size=13), st.data())
@settings(max_examples=1000)
def test_phones_are_what_the_librarys_parser_says(
    country: str, end: str, data: st.DataObject
) -> None:
    """For digits at random and for those near a real number, dialled within and from abroad."""
    own = PhoneMetadata.metadata_for_region(country)
    assert own is not None
    near = example_number_for_type(country, PhoneNumberType.MOBILE)
    starts = [end, f"0{end}", f"1{end}", f"8{end}", f"{own.country_code}{end}"]
    if near is not None:
        starts += [f"{head}{str(near.national_number)[:-2]}{end[:2]}" for head in ("", "0", "1")]
    digits = data.draw(st.sampled_from(starts))
    if len(digits) > 4 and not digits.startswith("00"):
        assert phone_key(digits, country) == parsed(digits, country)
    abroad = f"+{own.country_code}{digits}"
    if "0" in abroad[2:5]:  # others are taken as they are
        assert phone_key(abroad) == parsed(abroad, None)


def parsed(number: str, country: str | None) -> str:
    """As the parser says; said again of what it says, for it takes one zero away at a time."""
    while True:
        try:
            found = format_number(parse(number, country), PhoneNumberFormat.E164)
        except NumberParseException:
            return number
        if found == number:
            return found
        number, country = found, None


def test_known_cases() -> None:
    same = ["jane.doe@gmail.com", "janedoe+shop@gmail.com", "j.a.n.e.doe@googlemail.com"]
    assert {email_key(e) for e in same} == {"janedoe@gmail.com"}
    assert email_key("jane.doe@outlook.com") != email_key("janedoe@outlook.com")
    assert email_key("jane+x@outlook.com") == "jane@outlook.com"
    assert email_key("jane+x@shop.example") == "jane+x@shop.example"
    assert email_key("+x@gmail.com") == "+x@gmail.com"
    berlin = [
        "030 123456",
        "+49 30 123456",
        "0049 (0)30 123456",
        "+49 (30) 12-34-56",
        "+49 030123456",
    ]
    assert {phone_key(p, "DE") for p in berlin} == {"+4930123456"}
    assert phone_key("138 0013 8000", "CN") == phone_key("+86 138-0013-8000") == "+8613800138000"
    assert phone_key("030 123456") == "030123456"  # nobody says where that is
    assert phone_key("extension 5") == "extension 5"
    assert key_of("social_id", "@Jane") == key_of("social_id", "jane")
