"""Who is who this very moment, by the evidence of the published build and of every event since."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from visavis.core.identifiers import family
from visavis.flow.live_evidence import NEVER, PLAIN, LiveEvidence, Span
from visavis.flow.live_moment import Moment
from visavis.store.history import Held
from visavis.unify.component import MOST, may_bite
from visavis.unify.live import LARGEST
from visavis.unify.looking import Looker, TooLargeError
from visavis.unify.rules import Name

_FEW = 8
"""Of what an identifier new since the build was seen with, how many are looked for in it."""


@dataclass(slots=True)
class Found:
    """A person as of a moment: identifiers with when each was first and last seen.

    It holds until `until`, or until anything `around` is seen again. `shared` are nobody's and
    were seen with these.
    """

    person_id: str
    name: Name
    members: dict[Name, Span]
    base_persons: frozenset[int]
    shared: tuple[Name, ...] = ()
    around: frozenset[Name] = frozenset()
    until: int = NEVER
    as_built: bool = False
    """Whether nothing has been heard of any of them since the build."""


class LiveWho:
    """People out of evidence, at any moment."""

    def __init__(
        self, evidence: LiveEvidence, pid: Callable[[str, str], str], most: int = MOST
    ) -> None:
        """A component of more than `most` identifiers is as the build said."""
        self.evidence, self.pid, self.most = evidence, pid, most
        history = evidence.history
        self._as_of: int = history.meta["as_of"] if history is not None else 0

    def find(self, name: Name, at_ms: int) -> Found | None:
        """The person that holds an identifier, in this spelling or one that is the same."""
        return self._settled(name, at_ms) or self._looked_up(name, at_ms)

    def _settled(self, name: Name, at_ms: int) -> Found | None:
        """A person of whom the build said all that there is, and nothing new was heard since but of
        what nobody else was seen with."""
        evidence, history = self.evidence, self.evidence.history
        known = evidence.held(name) or self._held_beside(name)
        if history is None or known is None or known.person is None or at_ms < self._as_of:
            return None
        found = history.settled(known.person)
        if found is None:
            return None
        members: dict[Name, Span] = {}
        as_built, devices = True, set[Name]()
        for one, held in found.members.items():
            since = evidence.recent.seen(one)
            news = evidence.news(one, held, since, found.members.keys())
            if news is None:
                return None
            devices.update(other for other, _ in news)
            members[one] = held.first_seen, held.last_seen
            if since is not None:
                as_built = False
                members[one] = held.first_seen, max(held.last_seen or since[1], since[1])
        whole = self._joined_by(devices, members, found.name, at_ms) if devices else members
        if whole is None:
            return None
        return Found(
            found.person_id, found.name, whole, frozenset((known.person,)), (),
            frozenset(whole), as_built=as_built,
        )  # fmt: skip

    def _held_beside(self, name: Name) -> Held | None:
        """What the build knows of an identifier that one new since was seen with: a device, as a
        rule, and whoever uses it; a kiosk's thousand users are not gone through."""
        few = islice(self.evidence.recent.links(name), _FEW)
        held = (self.evidence.held(other) for other, _ in few)
        return next((known for known in held if known is not None), None)

    def _joined_by(
        self, devices: set[Name], members: Mapping[Name, Span], naming: Name, at_ms: int
    ) -> dict[Name, Span] | None:
        """A person of the build with what they were seen with since, devices as a rule; None where
        there may be a doubt that all of it is theirs or that `naming` goes on to name them."""
        evidence, whole = self.evidence, dict(members)
        if not evidence.kinds.get(naming[0], PLAIN).unique:
            return None
        for device in devices:
            span = evidence.only_with(device, members.keys(), at_ms)
            if span is None:
                return None
            whole[device] = span
        if may_bite(evidence.kinds, whole, min(self.most, LARGEST)):
            return None
        return dict(sorted(whole.items()))

    def _looked_up(self, name: Name, at_ms: int) -> Found | None:
        evidence = Moment(self.evidence, at_ms)
        looker = self._looker(evidence)
        blocked = self.evidence.blocked
        if evidence.first_seen(name) is None and family(name[0]) != "other":
            others = sorted(n for n in self.evidence.same_key(name) if n[0] == name[0])
            name = next((n for n in others if evidence.first_seen(n) is not None), name)
        try:
            group = looker.find(name)
        except TooLargeError:
            return self._published(name, evidence)
        if group is None:
            return None
        quiet = (n for member in group.members for n in evidence.quiet.get(member, ()))
        beside = {*group.nobodys, *(n for n in quiet if blocked(n) or looker.is_nobody(n))}
        return Found(
            self.pid(*group.name), group.name,
            {n: evidence.span(n) for n in group.members}, self.base_persons(group.members),
            tuple(sorted(beside)), group.around | beside, evidence.until,
        )  # fmt: skip

    def nobodys(self, at_ms: int) -> Callable[[Name], bool]:
        """Tells which identifiers belong to nobody at a moment: shared, blocked or not seen."""
        evidence = Moment(self.evidence, at_ms)
        looker = self._looker(evidence)
        return lambda name: evidence.first_seen(name) is None or looker.is_nobody(name)

    def _looker(self, evidence: Moment) -> Looker:
        return Looker(evidence, self.evidence.kinds, evidence.words.splits, self.most)

    def _published(self, name: Name, evidence: Moment) -> Found | None:
        """What the build said of a person whose component is too large to be worked out now."""
        history = self.evidence.history
        known = self.evidence.held(name)
        person = known.person if known is not None else None
        held = [name]
        if history is not None and person is not None:
            held = list(history.identifiers(person))
        named = history.named_by(person) if history and person is not None else None
        naming = named or name
        return Found(
            self.pid(*naming), naming, {n: evidence.span(n) for n in held},
            self.base_persons(held), (), frozenset(held), evidence.until,
        )  # fmt: skip

    def by_id(self, person_id: str) -> Name | None:
        """An identifier of whoever has a person_id, also a former one."""
        history = self.evidence.history
        if history is not None:
            for name in history.by_pid(person_id):
                if self.pid(*name) == person_id:
                    return name
        return self.evidence.recent.by_pid(person_id)

    def around(self, name: Name, most: int) -> list[Name]:
        """What was ever seen with an identifier, of a shared one as many of the base at most."""
        evidence = self.evidence
        since = (other for other, _ in evidence.recent.links(name))
        base = (other for other, *_ in islice(evidence.of_base(name), most))
        return list(dict.fromkeys((*since, *base)))

    def base_persons(self, group: Iterable[Name]) -> frozenset[int]:
        held = (self.evidence.held(name) for name in group)
        return frozenset(h.person for h in held if h is not None and h.person is not None)
