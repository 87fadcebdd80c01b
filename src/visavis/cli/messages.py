"""decide, plan, send, outbox, preview, unsubscribe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rich_click as click

from visavis.cli.context import Command, Group, moment, now_ms, progress, settings
from visavis.cli.output import show_rows, write_json, write_rows

_at = click.option("--at", metavar="TIME", help="As if it were that moment.")
_NONE = "There are none."
_person = click.option("--person", metavar="PERSON", required=True, help="KIND:VALUE or an id.")


def _moment(at: str | None) -> int:
    return now_ms() if at is None else moment(at, "--at")


@click.command("decide", cls=Command)
@_person
@click.option("--placement", metavar="NAME", required=True, help="A placement or a channel.")
@_at
@click.option("--count", type=click.IntRange(1, 100), default=1, help="How many choices at most.")
@click.option("--explain", is_flag=True, help="Every candidate, and why it fell.")
def decide_command(person: str, placement: str, at: str | None, count: int, explain: bool) -> None:
    """Decide for one person and placement: what is chosen, and why the others are not."""
    from visavis.flow.decide import decide

    made = decide(settings().root, person, placement, _moment(at), count, explain=True)
    if settings().json:
        if not explain:
            made.pop("features")
        write_json(made)
        return
    chosen = [c["offer"] for c in made["choices"]]
    click.echo(f"{placement}: {', '.join(chosen) or 'nothing'}")
    for choice in made["choices"]:
        for part, text in choice["content"].items():
            click.echo(f"\n[{part}]\n{text}")
    click.echo("")
    write_rows([_shown(c) for c in made["candidates"]], "table")


def _shown(candidate: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "offer": candidate["offer"],
        "why": candidate["fell"] or "chosen",
        "detail": candidate["detail"] or "",
        "value": candidate["score"],
        "where": f"{candidate['file']}:{candidate['line']}",
    }


@click.command("plan", cls=Command)
@click.option("--as-of", metavar="TIME", help="The moment the build would be of.")
@_at
@click.option("--people", is_flag=True, help="Also name everybody left out, and why.")
def plan_command(as_of: str | None, at: str | None, people: bool) -> None:
    """Show what the next build and the next send would change, before anything happens."""
    from visavis.flow.plan import plan

    built = None if as_of is None else moment(as_of, "--as-of")
    sent = None if at is None else moment(at, "--at")
    told = plan(settings().root, built, sent, now_ms(), progress())
    if not people:
        told.pop("left_out_people")
    if settings().json:
        write_json(told)
        return
    _definitions(told["definitions"])
    rows = [{"segment": n, **c} for n, c in told["segments"].items()]
    click.echo(f"\nPeople: {told['people']['before']} -> {told['people']['after']}")
    _joins(told["joins"])
    click.echo("")
    if rows:
        write_rows(rows, "table")
    click.echo(f"\nMessages at {told['at']}\n")
    _campaigns({n: c["messages"] for n, c in told["campaigns"].items()},
               {n: c["left_out"] for n, c in told["campaigns"].items()})  # fmt: skip
    if people:
        click.echo("")
        write_rows(told["left_out_people"], "table")


def _joins(told: Mapping[str, Any]) -> None:
    if told["joined"]:
        most = "" if told["allowed"] is None else f", allowed are {told['allowed']:.1%}"
        click.echo(f"{told['joined']} of them ({told['share']:.1%}{most}) become {told['into']}")
        write_rows(told["largest"], "table")
    if told["apart"]:
        click.echo(f"{told['apart']} of them come apart or lose an identifier")
    if told["over"]:
        click.echo("The build will refuse that, unless `visavis build --accept-joins`.")


def _definitions(found: Mapping[str, list[dict[str, Any]]]) -> None:
    signs = {"added": "+", "changed": "~", "removed": "-"}
    lines = [
        f"{signs[what]} {e['kind']} {e['name']} ({e['file']}:{e['line']})"
        for what, entries in found.items()
        for e in entries
    ]
    click.echo("\n".join(lines) if lines else "No definition changes.")


def _campaigns(messages: Mapping[str, int], left_out: Mapping[str, Mapping[str, int]]) -> None:
    rows = []
    for name in dict.fromkeys((*messages, *left_out)):
        rows.append({"campaign": name, "outcome": "message", "people": messages.get(name, 0)})
        reasons = left_out.get(name, {})
        rows += [{"campaign": "", "outcome": why, "people": n} for why, n in reasons.items()]
    if rows:
        write_rows(rows, "table")
    else:
        click.echo("No offer has a channel: there is nothing to send.")


@click.command("send", cls=Command)
@_at
@click.option("--dry-run", is_flag=True, help="Only say what would be sent.")
@click.option("--limit", type=click.IntRange(0), help="Send at most so many.")
@click.option("--only-to", metavar="ADDRESS", help="Send to this address only.")
def send_command(at: str | None, dry_run: bool, limit: int | None, only_to: str | None) -> None:
    """Make the messages that are due and send them: by default into the local mailbox."""
    from visavis.flow.send import send

    told = send(settings().root, _moment(at), progress(), dry_run, limit, only_to)
    if settings().json:
        write_json(told)
        return
    _campaigns(told["campaigns"], told["left_out"])
    rest = {k: v for k, v in told.items() if isinstance(v, int) and not isinstance(v, bool)}
    click.echo("\n" + ", ".join(f"{name} {count}" for name, count in rest.items()))
    for name, folder in (told.get("mailboxes") or {}).items():
        click.echo(f"The messages of '{name}' are in {folder}.")


@click.command("preview", cls=Command)
@_person
@click.option("--offer", metavar="NAME", required=True, help="The offer.")
@_at
def preview_command(person: str, offer: str, at: str | None) -> None:
    """Show an offer's content as this person would get it, whether or not they may have it."""
    from visavis.flow.preview import preview

    parts = preview(settings().root, person, offer, _moment(at))
    if settings().json:
        write_json(parts)
        return
    for part, text in parts.items():
        click.echo(f"[{part}]\n{text}\n")


@click.command("unsubscribe", cls=Command)
@click.argument("what", metavar="TOKEN|ADDRESS")
@click.option("--channel", metavar="NAME", default="email", help="Of an address: the channel.")
@click.option("--purpose", metavar="NAME", help="Of an address: only for this purpose.")
@_at
def unsubscribe_command(what: str, channel: str, purpose: str | None, at: str | None) -> None:
    """Take back consent, by the token of a signed link or by an address."""
    from visavis.flow.unsubscribe import unsubscribe

    told = unsubscribe(settings().root, what, channel, purpose, _moment(at))
    if settings().json:
        write_json(told)
    else:
        click.echo(f"No more {told['purpose'] or 'messages'} by {told['channel']} from now on.")


@click.group("outbox", cls=Group)
def outbox_command() -> None:
    """Messages on their way: list, pause, resume, cancel them, settle uncertain ones."""


@outbox_command.command("list")
@click.option("--status", metavar="STATUS", help="Only of this status.")
@click.option("--campaign", metavar="NAME", help="Only of this campaign.")
def list_command(status: str | None, campaign: str | None) -> None:
    """Count messages by campaign and status; with --status name them."""
    from visavis.flow import outbox

    show_rows(outbox.listed(settings().root, status, campaign), _NONE)


@outbox_command.command("uncertain")
def uncertain_command() -> None:
    """Messages that may have left: nobody sends them again but you."""
    from visavis.flow import outbox

    show_rows(outbox.listed(settings().root, "uncertain", None), _NONE)


@outbox_command.command("settle")
@click.argument("message_id", metavar="MESSAGE")
@click.option("--sent", "sent", flag_value=True, default=None, type=bool, help="It did leave.")
@click.option("--resend", "sent", flag_value=False, type=bool, help="It did not: send it again.")
@_at
def settle_command(message_id: str, sent: bool | None, at: str | None) -> None:
    """Say what became of an uncertain message."""
    from visavis.flow import outbox

    if sent is None:
        raise click.UsageError("Say --sent or --resend.")
    outbox.settle(settings().root, message_id, sent, _moment(at))
    _tell("sent" if sent else "will be sent again", message_id=message_id, sent=sent)


@outbox_command.command("pause")
@click.argument("name", metavar="CAMPAIGN|CHANNEL")
def pause_command(name: str) -> None:
    """Hold back all messages of a campaign or channel."""
    from visavis.flow import outbox

    outbox.pause(settings().root, name, now_ms())
    _tell(f"{name} is paused", name=name, paused=True)


@outbox_command.command("resume")
@click.argument("name", metavar="CAMPAIGN|CHANNEL")
def resume_command(name: str) -> None:
    """Let a paused campaign or channel go on."""
    from visavis.flow import outbox

    was = outbox.resume(settings().root, name)
    told = f"{name} goes on" if was else f"{name} was not paused"
    _tell(told, name=name, paused=False, was_paused=was)


@outbox_command.command("cancel")
@click.argument("name", metavar="CAMPAIGN|MESSAGE")
@_at
def cancel_command(name: str, at: str | None) -> None:
    """Never send the waiting messages of a campaign, or one message."""
    from visavis.flow import outbox

    count = outbox.cancel(settings().root, name, _moment(at))
    _tell(f"{count} cancelled", name=name, cancelled=count)


def _tell(text: str, **values: object) -> None:
    if settings().json:
        write_json(values)
    else:
        click.echo(text)
