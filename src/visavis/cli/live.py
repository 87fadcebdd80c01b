"""serve and keys."""

from __future__ import annotations

import rich_click as click

from visavis.cli.context import Command, Group, clock_of_service, fail, now_ms, progress, settings
from visavis.cli.output import show_rows, write_json


@click.command("serve", cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
def serve_command(host: str, port: int) -> None:
    """Take events in over HTTP, for the clients of Segment, RudderStack, PostHog and others."""
    from visavis.serve.server import serve

    if not settings().quiet:
        click.echo(
            f"visavis serves {settings().root.resolve().name} at http://{host}:{port}", err=True
        )
    serve(settings().root, host, port, clock_of_service())


@click.group("keys", cls=Group)
def keys_command() -> None:
    """API keys: write keys send events, secret keys read, signing keys vouch for users."""


@keys_command.command("create")
@click.option("--kind", type=click.Choice(["write", "secret", "signing"]), required=True)
@click.option("--key", "value", metavar="VALUE", help="A key that clients send already.")
def create_command(kind: str, value: str | None) -> None:
    """Make a key; it is shown this once and kept only as a hash."""
    from visavis.flow.keys import create

    if value is not None and not (1 <= len(value) <= 200 and value.isprintable()):
        raise click.BadParameter("1 to 200 printable characters", param_hint="--key")
    if value is not None and kind == "signing":
        raise click.BadParameter("a signing key is made, not given", param_hint="--key")
    made = create(settings().root, kind, value, now_ms())
    if settings().json:
        write_json(made)
    else:
        click.echo(made["key"])


@keys_command.command("list")
def list_command() -> None:
    """The keys, without their texts."""
    from visavis.flow.keys import listed

    rows = listed(settings().root)
    show_rows(rows, "There are no keys: visavis keys create --kind write")


@keys_command.command("revoke")
@click.argument("key_id", metavar="ID")
def revoke_command(key_id: str) -> None:
    """End a key at once, also for a server that is running."""
    from visavis.flow.keys import revoke

    done = revoke(settings().root, key_id, now_ms())
    if done is None:
        click.echo(f"There is no key {key_id} in force.", err=True)
        fail()
    if settings().json:
        write_json(done)


@click.command("history", cls=Command)
def history_command() -> None:
    """Make the published build ready for `serve`, which otherwise does it itself.

    Before the first build it makes the rate tables ready.
    """
    from visavis.flow.prepare import prepare

    path = prepare(settings().root, now_ms(), progress())
    if settings().json:
        write_json({"file": str(path)})
    elif not settings().quiet:
        click.echo(str(path))
