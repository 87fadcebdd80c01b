"""Rounds that go through the function table row by row, over plain columns: no composition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from random import Random
from unicodedata import normalize

from tests.laws.edges import AGGREGATES, SCALARS
from tests.laws.readers import empty_project, read, value_of, warehouse

from visavis.core.clock import zone
from visavis.core.lang.form import (
    Aggregate,
    Bucket,
    Call,
    Literal,
    Node,
    Property,
    TraitRef,
    Value,
)
from visavis.core.lang.functions import FUNCTIONS, Signature
from visavis.core.lang.scope import Scope
from visavis.core.lang.types import TIME_MAX, TIME_MIN, Type
from visavis.core.nouns import Project, Trait
from visavis.testing import shop, values
from visavis.testing.agree import Round
from visavis.testing.forms import PATTERNS, QUANTILES, every_signature
from visavis.testing.histories import Event
from visavis.testing.projects import AGES, PLACE, RULES, given
from visavis.testing.projects import project as shop_project

BERLIN = zone("Europe/Berlin")
NOW = 1_483_225_200_000  # midnight of 2017 in Berlin
DAY = 86_400_000
TYPES = (
    Type.BOOLEAN, Type.INTEGER, Type.DECIMAL, Type.FLOAT, Type.TEXT, Type.TIME, Type.DATE,
)  # fmt: skip
FIELDS = {f"{t.value}_{k}": t for t in TYPES for k in "abc"}
PROPERTIES = {"Row": FIELDS, "identify": {f"given_{n}": t for n, t in FIELDS.items()}}
Keyed = list[tuple[str, Signature, Node]]


def computed(name: str, value: Node, event: str = "Order Completed") -> Trait:
    return Trait(name, "computed", value.type, PLACE, value=value, event=event)


def derived(name: str, value: Node) -> Trait:
    return Trait(name, "derived", value.type, PLACE, value=value)


def row(message_id: str, event: str, properties: Mapping[str, Value], ts: int) -> dict:
    return {
        "message_id": message_id, "event": event, "type": "track", "source": "s",
        "channel": None, "ts": ts, "revision": 0, "received_at": ts, "properties": properties,
    }  # fmt: skip


# worked out by hand


def scalar_examples() -> tuple[Round, list[tuple[str, str, Value]]]:
    """A round of one person with a trait t0, t1, ... per example, and what each must be."""
    scope = Scope(clock=True, zone=BERLIN)
    cases = [(name, text, want) for name, rows in SCALARS.items() for text, want in rows]
    nodes = [read(text, scope) for _, text, _ in cases]
    traits = {f"t{n}": derived(f"t{n}", node) for n, node in enumerate(nodes)}
    project = replace(empty_project("Europe/Berlin"), traits=traits)
    wanted = [(n, t, value_of(w, node.type)) for (n, t, w), node in zip(cases, nodes, strict=True)]
    return Round(project, {}, [[]], {}, [NOW]), wanted


def aggregate_examples() -> tuple[Round, list[tuple[str, str, Value]]]:
    """A round with a person and a trait per example: the n-th person's trait tn is the n-th."""
    names = {n: (t, "property") for n, t in shop.PROPERTIES["Order Completed"].items()}
    scope = Scope(names, aggregates=True, zone=BERLIN)
    traits, people, wanted = {}, [], []
    for name, examples in AGGREGATES.items():
        for text, rows, want in examples:
            number = len(people)
            value = read(text, scope)
            traits[f"t{number}"] = computed(f"t{number}", value)
            field = next((n for n in names if n in text), "visits")
            people.append(daily(rows, names[field][0], field, number))
            wanted.append((name, f"{text} of {rows}", value_of(want, value.type)))
    project = replace(empty_project("Europe/Berlin", shop.PROPERTIES), traits=traits)
    return Round(project, {}, people, {}, [NOW]), wanted


def daily(texts: Sequence[str | None], type: Type, field: str, person: int) -> list[Event]:
    """One order a day, the last of them a day before now."""

    def held(text: str | None) -> Value:
        value = value_of(text, type)
        return normalize("NFC", value) if isinstance(value, str) else value

    return [
        row(f"m{n}:{person}", "Order Completed", {field: held(t)}, NOW - DAY * (len(texts) - n))
        for n, t in enumerate(texts)
    ]


def bucket_example(n: int, held: Sequence[str | None]) -> Round:
    bucket = Bucket(Type.INTEGER, TraitRef(Type.INTEGER, "points"), n, "t")
    traits = {"points": given("points", Type.INTEGER), "t": derived("t", bucket)}
    project = replace(empty_project("UTC", shop.PROPERTIES), traits=traits)
    people = [
        [row(f"m{k}", "identify", {"points": value_of(text, Type.INTEGER)}, NOW)]
        for k, text in enumerate(held)
    ]
    return Round(project, {}, people, {}, [NOW])


def catalogue_alone() -> Round:
    """A trait that reads nothing but the catalogue, in a window that begins before all time."""
    brand = Property(Type.TEXT, "brand", "catalogue")
    value = Aggregate(Type.TEXT, "mode", (brand,))
    trait = computed("t", value, "Order Completed")
    trait = replace(trait, each="products", within_ms=AGES)
    project = shop_project({"t": trait}, "UTC")
    lines = [{"product_id": p} for p in ("a", "b", "b", "nowhere")]
    event = row("m", "Order Completed", {}, NOW) | {"products": lines}
    return Round(project, {}, [[event], []], {"a": {"brand": "x"}, "b": {"brand": "y"}}, [NOW])


def own_field_of_lines() -> Round:
    """A line's own category beats the catalogue's; where it has none the catalogue's counts."""
    category = Property(Type.TEXT, "category", "line")
    trait = computed("t", Aggregate(Type.INTEGER, "count", (category,)), "Order Completed")
    first = computed("f", Aggregate(Type.TEXT, "mode", (category,)), "Order Completed")
    traits = {t.name: replace(t, each="products") for t in (trait, first)}
    project = shop_project(traits, "UTC")
    lines = [{"product_id": "a", "category": c} for c in ("own", None, None)]
    event = row("m", "Order Completed", {}, NOW) | {"products": lines}
    return Round(project, {}, [[event], []], {"a": {"category": "the catalogue's"}}, [NOW])


def property_of_lines() -> Round:
    """A trait of lines that reads nothing but a property of their order."""
    note = Property(Type.TEXT, "note", "property")
    trait = computed("t", Aggregate(Type.TEXT, "mode", (note,)), "Order Completed")
    project = shop_project({"t": replace(trait, each="products")}, "UTC")
    lines = [{"product_id": p} for p in ("a", "b")]
    event = row("m", "Order Completed", {"note": "cash"}, NOW) | {"products": lines}
    return Round(project, {}, [[event], []], {}, [NOW])


def channel_of_lines() -> Round:
    """A trait of lines that reads what stands on their event alone."""
    channel = Property(Type.TEXT, "channel", "event")
    value = Aggregate(Type.TEXT, "mode", (channel,))
    trait = replace(computed("t", value, "Order Completed"), each="products")
    project = shop_project({"t": trait}, "UTC")
    events = [
        row(f"m{n}", "Order Completed", {}, NOW)
        | {"products": [{"product_id": "a"}] * n, "channel": c}
        for n, c in ((1, "web"), (2, "store"))
    ]
    return Round(project, {}, [events, []], {}, [NOW])


def strangers_trusted() -> Round:
    """Given traits of another property's name, by trust: a source that no file declares has 50."""
    traits = {}
    for trust in (49, 50, 51):
        rule = replace(given(f"t{trust}", Type.INTEGER), given="points", resolve="trusted")
        traits[rule.name] = replace(rule, trust=(("declared", trust),))
    for rule in ("latest", "frequent"):
        traits[rule] = replace(given(rule, Type.INTEGER), given="points", resolve=rule)
    project = shop_project(traits, "UTC")
    told = [("declared", 1), ("stranger", 2), ("declared", 3), ("stranger", 2)]
    people = [
        [
            row(f"m{n}", "identify", {"points": value}, NOW - DAY + n) | {"source": source}
            for n, (source, value) in enumerate(told[:count])
        ]
        for count in range(len(told) + 1)
    ]
    return Round(project, {}, people, {}, [NOW])


def ruled_by_name() -> Round:
    """Given traits that name no property are given by their own name, whatever their rule."""
    traits = {}
    kinds = (Type.TEXT, Type.INTEGER, Type.DECIMAL, Type.DATE, Type.BOOLEAN)
    for rule, kind in zip(RULES, kinds[1:] + kinds[:1], strict=True):
        name = next(n for n, t in shop.GIVEN.items() if t is kind)
        traits[name] = replace(given(name, kind), given=None, resolve=rule, trust=(("app", 80),))
    rng, people = Random(6), []
    for person in range(20):
        pools = {name: rng.sample(POOLS[t.type][1:], 2) for name, t in traits.items()}
        rows = [
            row(f"m{n}:{person}", "identify", {k: rng.choice(v) for k, v in pools.items()}, NOW + n)
            | {"source": rng.choice(("app", "shop"))}
            for n in range(rng.randint(1, 6))
        ]
        people.append(rows)
    return Round(shop_project(traits, "UTC"), {}, people, {}, [NOW + DAY])


def since_the_beginning() -> Round:
    """Windows that begin a moment before, at and after the first moment that there is."""
    begins = {"before": TIME_MIN - 1, "at": TIME_MIN, "after": TIME_MIN + 1}
    count = Aggregate(Type.INTEGER, "count", ())
    traits = {
        name: replace(computed(name, count), within_ms=NOW - start)
        for name, start in begins.items()
    }
    # no model has been fitted: its trait is null
    traits["guess"] = Trait("guess", "predicted", Type.FLOAT, PLACE)
    moments = (TIME_MIN, TIME_MIN + 1, TIME_MIN + 2, NOW)
    events = [row(f"m{n}", "Order Completed", {}, ts) for n, ts in enumerate(moments)]
    return Round(shop_project(traits, "UTC"), {}, [events, []], {}, [NOW])


def one_name_of_two_types() -> Round:
    """A property that is a text in one event and a number in another."""
    properties = {"Said": {"x": Type.TEXT}, "Counted": {"x": Type.INTEGER}}
    text, number = (Property(kind, "x", "property") for kind in (Type.TEXT, Type.INTEGER))
    traits = {
        "said": computed("said", Aggregate(Type.TEXT, "last", (text,)), "Said"),
        "most": computed("most", Aggregate(Type.INTEGER, "max", (number,)), "Counted"),
        "total": computed("total", Aggregate(Type.INTEGER, "sum", (number,)), "Counted"),
    }
    told = [("Said", "10"), ("Said", "é"), ("Counted", 9), ("Counted", 10), ("Counted", None)]
    events = [row(f"m{n}", event, {"x": x}, NOW + n) for n, (event, x) in enumerate(told)]
    project = replace(empty_project("UTC", properties), traits=traits)
    return Round(project, {}, [events, events[:2], []], {}, [NOW + 10])


def end_of_time() -> Round:
    """The last moment that there is, a day from now."""
    texts = {
        "date": "date(now() + interval '1 days')",
        "later": "now() + interval '1 days' > timestamp '2000-01-01'",
        "earlier": "now() - interval '1 days' > timestamp '2000-01-01'",
    }
    scope = Scope(clock=True, zone=zone("UTC"))
    traits = {name: derived(name, read(text, scope)) for name, text in texts.items()}
    nows = [TIME_MAX - DAY - 5, TIME_MAX - DAY]
    return Round(shop_project(traits, "UTC"), {}, [[]], {}, nows)


# in bulk


def _pools() -> dict[Type, list[Value]]:
    pools: dict[Type, list[Value]] = {
        Type.BOOLEAN: [True, False],
        Type.INTEGER: list(values.INTEGERS),
        Type.DECIMAL: list(values.DECIMALS),
        Type.FLOAT: [*values.FLOATS, *values.WILD_FLOATS],
        Type.TEXT: list(values.TEXTS),
        Type.TIME: [
            TIME_MIN, TIME_MAX, 0, -1, 1, NOW, NOW - 1, NOW + 1,
            *(t + d for t in BERLIN.transitions[40:48] for d in (-1, 0, 1, 1_800_000)),
            *(BERLIN.midnight(d) + ms for d in values.DAYS[4:14] for ms in (-1, 0)),
        ],
        Type.DATE: list(values.DAYS),
    }  # fmt: skip
    return {type: [None, *pool] for type, pool in pools.items()}


POOLS = _pools()


def companies(seed: int, count: int, event: str = "Row") -> list[list[Event]]:
    """People with one row each: every edge in every column, in ever new company."""
    rng = Random(seed)
    columns: dict[str, list[Value]] = {}
    for name, type in FIELDS.items():
        pool = POOLS[type]
        columns[name] = rng.sample((pool * (count // len(pool) + 1))[:count], count)
    for type in TYPES:  # a third of the pairs are equal
        first, second = columns[f"{type.value}_a"], columns[f"{type.value}_b"]
        second[::3] = first[::3]
    prefix = "given_" if event == "identify" else ""
    return [
        [row(f"r{n}", event, {prefix + name: c[n] for name, c in columns.items()}, NOW - 1000)]
        for n in range(count)
    ]


def leaf(type: Type, at: int, scope: str) -> Node:
    name = f"{type.value}_{'abc'[min(at, 2)]}"
    return TraitRef(type, f"given_{name}") if scope == "trait" else Property(type, name, scope)


def arguments(name: str, signature: Signature, scope: str) -> list[tuple[Node, ...]]:
    """The argument lists to try: columns where columns may stand, else constants of every kind."""
    args = [leaf(t, n, scope) for n, t in enumerate(signature.args)]
    first = args[0]
    if name == "like":
        return [(first, Literal(Type.TEXT, p)) for p in (*PATTERNS, None)]
    if name == "round" and len(args) == 2:
        return [(first, Literal(Type.INTEGER, n)) for n in range(7)]
    if name == "in":
        return [(first, *listed) for listed in lists(signature.args[0])]
    if Type.INTERVAL in signature.args:
        return [(first, Literal(Type.INTERVAL, ms)) for ms in shop.WINDOWS[1:]]
    tries = [tuple(args)]
    if signature.variadic:
        tries.append((*args, leaf(signature.args[-1], 2, scope)))
        tries.append((*args, leaf(signature.args[-1], 2, scope), first))
    if name in ("left", "right"):
        tries += [(first, Literal(Type.INTEGER, n)) for n in (-1, 0, 1, 2, 5)]
    return tries + against_constants(args, signature)


def against_constants(args: list[Node], signature: Signature) -> list[tuple[Node, ...]]:
    """Both ways round with a constant, which readers like to treat apart; a null among them."""
    if len(signature.args) != 2:
        return []
    out: list[tuple[Node, ...]] = []
    for position, type in enumerate(signature.args):
        if type is Type.FLOAT:
            continue
        for value in (POOLS[type][1], POOLS[type][2], None):
            constant = Literal(type, value)
            out.append((constant, args[1]) if position == 0 else (args[0], constant))
    return out


def lists(type: Type) -> list[tuple[Node, ...]]:
    some = tuple(Literal(type, v) for v in POOLS[type][1:8])
    return [some[:1], some, (*some[:2], Literal(type, None))]


def scalar_calls(scope: str) -> Keyed:
    return [
        (name, signature, Call(signature.result, name, args))
        for name, signature in every_signature()
        if FUNCTIONS[name].kind == "scalar"
        for args in arguments(name, signature, scope)
    ]


def aggregate_calls() -> Keyed:
    calls: Keyed = []
    keep = Property(Type.BOOLEAN, "boolean_b", "property")
    for name, signature in every_signature():
        if FUNCTIONS[name].kind != "aggregate":
            continue
        args = tuple(leaf(t, 0, "property") for t in signature.args)
        distincts = (False, True) if name == "count" and args else (False,)
        parameters = QUANTILES if name == "quantile" else (None,)
        for distinct, q, filter in product(distincts, parameters, (None, keep)):
            call = Aggregate(signature.result, name, args, distinct, filter, q)
            calls.append((name, signature, call))
    return calls


def project_of(traits: dict[str, Trait]) -> Project:
    return replace(empty_project("Europe/Berlin", PROPERTIES), traits=traits)


def all_given() -> dict[str, Trait]:
    return {f"given_{n}": given(f"given_{n}", t) for n, t in FIELDS.items()}


def over_properties(people: int, zone_name: str = "Europe/Berlin") -> Round:
    """Each scalar signature over properties of one event."""
    traits = {}
    for n, (_, signature, call) in enumerate(scalar_calls("property")):
        traits[f"t{n}"] = computed(f"t{n}", Aggregate(signature.result, "first", (call,)), "Row")
    project = replace(project_of(traits), time_zone=zone_name)
    return Round(project, {}, companies(1, people), {}, [NOW])


def as_filters(people: int) -> Round:
    """Each condition of one event as the filter of a count, for which null is as good as false."""
    calls = [call for _, _, call in scalar_calls("property") if call.type is Type.BOOLEAN]
    calls += [shape for call in calls[::9] for shape in shapes(call)]
    traits = {}
    for n, call in enumerate(calls):
        value = Aggregate(Type.INTEGER, "count", (), filter=call)
        traits[f"t{n}"] = computed(f"t{n}", value, "Row")
    return Round(project_of(traits), {}, companies(5, people), {}, [NOW])


def shapes(condition: Node) -> list[Node]:
    """A condition inside others, the way filters hold them."""
    other = Property(Type.BOOLEAN, "boolean_c", "property")

    def call(name: str, *args: Node) -> Node:
        return Call(Type.BOOLEAN, name, args)

    unknown = call("is null", condition)
    return [
        call("not", condition),
        call("not", unknown),
        call("=", unknown, other),
        call("and", condition, call("not", other), call("is null", other)),
        call("or", condition, other),
        call("coalesce", condition, other),
    ]


def over_traits(people: int) -> Round:
    """Each scalar signature over given traits, conditions also as conditions."""
    calls = scalar_calls("trait")
    traits = all_given() | {f"t{n}": derived(f"t{n}", c) for n, (_, _, c) in enumerate(calls)}
    conditions = {f"q{n}": c for n, (_, _, c) in enumerate(calls) if c.type is Type.BOOLEAN}
    histories = companies(2, people, "identify")
    return Round(project_of(traits), conditions, histories, {}, [NOW])


def over_crowds(people: int) -> Round:
    """Each aggregate signature, plain, filtered and distinct, over none to seven rows."""
    calls = aggregate_calls()
    traits = {f"t{n}": computed(f"t{n}", call, "Row") for n, (_, _, call) in enumerate(calls)}
    return Round(project_of(traits), {}, tame(crowds(3, people)), {}, [NOW, NOW - DAY])


def over_buckets(people: int) -> Round:
    """Each bucket signature."""
    traits = all_given()
    for at, signature in enumerate(FUNCTIONS["bucket"].signatures):
        for n in (2, 3, 5, 100):
            name = f"t{at}_{n}"
            bucket = Bucket(Type.INTEGER, leaf(signature.args[0], 0, "trait"), n, name)
            traits[name] = derived(name, bucket)
    histories = companies(4, people, "identify")
    return Round(project_of(traits), {}, histories, {}, [NOW, NOW + DAY])


def crowds(seed: int, count: int) -> list[list[Event]]:
    """People with none to seven rows: ties, runs of one value, all null, and mixtures."""
    rng, out = Random(seed), []
    for person in range(count):
        few = {n: rng.sample(POOLS[t], min(3, len(POOLS[t]))) for n, t in FIELDS.items()}
        if person % 7 == 0:
            few = {n: [None, *pool[:1]] for n, pool in few.items()}
        rows = []
        for n in range(rng.choice((0, 1, 2, 2, 3, 4, 5, 7))):
            at = NOW - rng.choice((0, 0, 1000, 1000, DAY, 10 * DAY, 400 * DAY))
            held = {k: rng.choice(pool) for k, pool in few.items()}
            rows.append(row(f"{rng.choice('aZéb😀')}{n}:{person}", "Row", held, at))
        out.append(rows)
    return out


def held_faults() -> list[tuple[Type, Value, Value]]:
    """(type, value, what came back) of values that the engine gives back otherwise."""
    from visavis.store.engines.duckdb_names import held, literal

    told = [(kind, value) for kind, pool in POOLS.items() for value in pool]
    columns = ", ".join(held(literal(value, kind), kind) for kind, value in told)
    wh = warehouse()
    try:
        (found,) = wh.rows(f"SELECT {columns}")
    finally:
        wh.close()
    pairs = zip(told, found, strict=True)
    return [(kind, value, back) for (kind, value), back in pairs if value != back]


def tame(histories: list[list[Event]]) -> list[list[Event]]:
    """Sums of floats depend on their order beyond halves and quarters: keep to those."""
    for event in (e for h in histories for e in h):
        for name, value in event["properties"].items():
            if isinstance(value, float) and value not in values.FLOATS:
                event["properties"][name] = 0.25
    return histories
