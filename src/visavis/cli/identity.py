"""identity: the review queue, and words by hand about who is who."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rich_click as click

from visavis.cli.context import FILE, Group, now_ms, settings
from visavis.cli.output import show_rows, write_json, write_rows

_by = click.option("--by", metavar="NAME", help="Who says so (default: VISAVIS_USER, the login).")
_note = click.option("--note", metavar="TEXT", default="", help="Why, for those who ask later.")


@click.group("identity", cls=Group)
def identity_command() -> None:
    """Who is who: what the guards refused, and what you say of it.

    Identifiers are KIND:VALUE, like email:a@b.co or customer_id:123.
    """


@identity_command.command("review")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, help="Cases shown (50).")
def review_command(limit: int) -> None:
    """Show the evidence that joined nobody: which guard refused it, and both sides."""
    from visavis.flow.identity import review

    made = review(settings().root, limit)
    if settings().json:
        write_json(made)
        return
    if not made["cases"]:
        click.echo("No guard refused anything.")
        return
    write_rows([_shown(case) for case in made["cases"]], "table")
    click.echo(f"\n{made['total']} cases. Two sides are one person after all? "
               "`visavis identity join A B`. Never? `visavis identity split A B`.")  # fmt: skip


def _shown(case: dict[str, Any]) -> dict[str, Any]:
    first = case["refused"][0]
    one = case["identifier"] or first["a"]
    other = first["b"] if one == first["a"] else first["a"]
    more = case["evidence"] - 1
    return {
        "guard": case["guard"] + (f" ({case['about']})" if case["about"] else ""),
        "one side": one,
        "other side": other + (f" and {more} more" if more else ""),
        "rule": first["rule"],
        "sources": ", ".join(case["sources"]),
        "first seen": case["first_seen"],
        "why": case["why"],
    }


def _word(name: str, help_text: str, action: str, with_rule: bool = False) -> None:
    """Adds the command that says one kind of word."""

    def command(a: str, b: str, by: str | None, note: str, rule: str = "") -> None:
        from visavis.flow.identity import say

        _tell(say(settings().root, action, a, b, by or _login(), now_ms(), rule, note))

    command.__doc__ = help_text
    made: Callable[..., Any] = _note(_by(command))
    if with_rule:
        rule = click.option(
            "--rule", metavar="RULE", default="", help="Only evidence of this rule."
        )
        made = rule(made)
    for argument in ("b", "a"):
        made = click.argument(argument, metavar=argument.upper())(made)
    identity_command.command(name)(made)


_word("join", "Say that two identifiers are one person's: the strongest evidence there is.", "join")
_word("split", "Say that two identifiers are not one person's, whatever the evidence.", "split")
_word(
    "forget-evidence",
    "Let what ties two identifiers count no longer; what they were seen doing stays.",
    "forget",
    with_rule=True,
)


@identity_command.command("undo")
@click.argument("word", metavar="WORD", type=int)
@_by
def undo_command(word: int, by: str | None) -> None:
    """Take a word back, by its number."""
    from visavis.flow.identity import undo

    made = undo(settings().root, word, by or _login(), now_ms())
    if settings().json:
        write_json(made)
    else:
        click.echo(f"Word {word} holds no longer, from the next build on.")


@identity_command.command("words")
def words_command() -> None:
    """List everything that was said by hand: who, when, and whether it holds."""
    from visavis.flow.identity import words

    rows = words(settings().root, now_ms())
    show_rows(rows, "Nothing was said by hand.")


@identity_command.command("match")
@click.argument("values", metavar="FIELD=VALUE...", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 1_000), default=10, help="People shown (10).")
def match_command(values: tuple[str, ...], limit: int) -> None:
    """Find whom given values match, like first_name=Ann birthday=1980-02-03, and why.

    By the match rules of identity.yml, as the published build learned them.
    """
    from visavis.flow.alike import alike

    pairs = [text.partition("=") for text in values]
    if wrong := [text for text, (_, sign, _) in zip(values, pairs, strict=True) if not sign]:
        raise click.UsageError(f"'{wrong[0]}' is not FIELD=VALUE.")
    given = {name.strip(): value for name, _, value in pairs}
    made = alike(settings().root, given, limit)
    if settings().json:
        write_json(made)
    elif made["people"]:
        shown = ("person_id", "identifier", "weight", "why")
        write_rows([{n: row[n] for n in shown} for row in made["people"]], "table")
    else:
        click.echo("Nobody matches.")


@identity_command.command("graph")
@click.argument("person", metavar="PERSON")
@click.option(
    "--out",
    metavar="FILE.svg",
    required=True,
    type=FILE,
    help="The picture to write.",
)
def graph_command(person: str, out: Path) -> None:
    """Draw a person's identifiers and the evidence that joins them."""
    from visavis.flow.identity import graph

    made = graph(settings().root, person, out)
    if settings().json:
        write_json(made)
    else:
        click.echo(f"Drawn into {out}: {made['identifiers']} identifiers.")


def _tell(made: dict[str, Any]) -> None:
    if settings().json:
        write_json(made)
        return
    click.echo(f"Word {made['word']}: {made['action']} {made['a']} {made['b']}, by {made['who']}.")
    if made["overrules"]:
        numbers = ", ".join(map(str, made["overrules"]))
        click.echo(f"Words that contradict later ones and don't hold: {numbers}.")
    click.echo(made["note"])
    click.echo(f"To take it back: visavis identity undo {made['word']}")


def _login() -> str:
    return os.environ.get("VISAVIS_USER") or getpass.getuser()
