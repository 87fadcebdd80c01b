"""Sending: planned messages to a mail server that keeps none, beside nodemailer and smtplib.

The clock of `visavis send` runs over everything from asking consent, caps and quiet hours again to
the commit of each outcome; the peers only compose the same mail and hand it over. nodemailer (a
pool of four connections, as ours) wants node and npm; without them smtplib is the peer.
"""

from __future__ import annotations

import shutil
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import (
    REPEATS,
    SCALE,
    SIDES,
    WORK,
    Run,
    alternate,
    emit,
    measured,
    middle,
    result,
    say,
    side,
    visavis,
)

COUNT = max(20, int(20_000 * SCALE))
TARGET = 1_000.0
NODEMAILER = "10.6.1"
AS_OF, AT = "2024-03-01T00:00:00Z", "2024-03-01T10:00:00Z"
_FILES = {
    "visavis.yml": "name: Shop\ntime_zone: UTC\ncurrency: EUR\nholdout: 0\n",
    "sources/s.yml": """\
sources:
  shop:
    from: data/orders.csv
    map: {customer: customer, order: order, time: time, amount: amount, email: mail}
  people:
    from: data/people.csv
    kind: records
    identifiers: {customer_id: customer}
    fields: {first_name: {type: text}}
  consents:
    from: data/consents.csv
    kind: consents
    map: {email: mail, purpose: purpose, status: says, time: time, channel: channel}
""",
    "traits/t.yml": """\
traits:
  orders: {event: Order Completed, value: count()}
  revenue: {event: Order Completed, value: sum(revenue)}
  last_order_at: {event: Order Completed, value: max(timestamp)}
  first_name: {given: first_name}
""",
    "offers/o.yml": "offers:\n  hello: {eligible: orders > 0, channel: email, content: hello}\n",
    "content/c.yml": """\
content:
  hello:
    subject: "Hello {{ first_name }}"
    text: |
      Dear {{ first_name }},
      your last visit was on {{ last_order_at | day }}, and you have spent {{ revenue | money }}.
      {{ unsubscribe_url }}
    html: |
      <p>Dear <b>{{ first_name }}</b>,</p><p>your last visit was on {{ last_order_at | day }}, and
      you have spent {{ revenue | money }}.</p><a href="{{ unsubscribe_url }}">No more mail</a>
""",
    "policies/p.yml": """\
channels:
  email: {kind: smtp, live: true, host: 127.0.0.1, port: PORT, security: none,
          from: Shop <shop@shop.example>, unsubscribe: "https://shop.example/u/"}
caps:
  daily: {limit: 1, per: day, counted: calendar}
quiet_hours:
  night: {from: "21:00", to: "08:00"}
""",
}


_VERSIONS = {
    "nodemailer": f"nodemailer {NODEMAILER}, pool of 4, nothing asked, nothing kept",
    "smtplib": f"smtplib of Python {sys.version.split()[0]}, one connection, nothing kept",
}


def shop(root: Path, port: int, count: int = COUNT) -> None:
    """A built and planned shop of `count` people, all of whom may be written to."""
    for name, text in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("PORT", str(port)))
    data = root / "data"
    data.mkdir()
    rows: dict[str, list[str]] = {
        "orders": ["order,customer,mail,time,amount"],
        "people": ["customer,first_name"],
        "consents": ["mail,purpose,says,time,channel"],
    }
    for n in range(count):
        mail = f"c{n}@example.invalid"
        rows["orders"].append(f"{n},c{n},{mail},2024-02-{n % 28 + 1:02d}T10:00:00Z,{n % 90}.5")
        rows["people"].append(f"c{n},Name {n}")
        rows["consents"].append(f"{mail},marketing,yes,2024-01-01T00:00:00Z,email")
    for name, lines in rows.items():
        (data / f"{name}.csv").write_text("\n".join(lines) + "\n")
    visavis("-p", root, "--quiet", "build", "--as-of", AS_OF)
    visavis("-p", root, "--quiet", "plan", "--at", AT)


@contextmanager
def sink() -> Iterator[int]:
    """The mail server in a process of its own; its port."""
    command = [sys.executable, str(SIDES / "sink.py")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.stdin.close()


def taken(port: int) -> tuple[int, int]:
    """How many messages the server has taken, and how many different ones."""
    with smtplib.SMTP("127.0.0.1", port) as client:
        count, different = client.docmd("REPORT")[1].split()
    return int(count), int(different)


def nodemailer() -> Path | None:
    """The folder that has nodemailer, installed there once; None where npm can't."""
    folder = WORK / "npm"
    if not (folder / "node_modules" / "nodemailer").is_dir():
        # a run that proves nothing fetches nothing
        if SCALE < 0.01 or shutil.which("npm") is None or shutil.which("node") is None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--prefix", str(folder), f"nodemailer@{NODEMAILER}"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            return None
    return folder


def main() -> None:
    """One line: mails a second, and what the peer does."""
    WORK.mkdir(parents=True, exist_ok=True)
    folder = nodemailer()
    root = WORK / "sending"
    shutil.rmtree(root, ignore_errors=True)
    with sink() as port:
        say(f"sending: a shop of {COUNT} people")
        shop(root, port)
        fresh = root / ".visavis" / "state.db"
        kept = WORK / "sending.db"
        shutil.copy(fresh, kept)

        def ours() -> Run:
            for name in ("state.db", "state.db-wal", "state.db-shm"):
                (root / ".visavis" / name).unlink(missing_ok=True)
            shutil.copy(kept, fresh)
            before = taken(port)[0]
            run = side("sends", root, AT)
            assert taken(port)[0] - before == COUNT, "not every message arrived"
            return run

        def theirs() -> Run:
            return side("by_smtplib", port, COUNT)

        sides = {"ours": ours, "smtplib": theirs}
        if folder is not None:
            script = str(SIDES / "by_nodemailer.cjs")
            words = ["node", script, str(folder), str(port), str(COUNT)]
            sides["nodemailer"] = lambda: measured(words, prints_seconds=True)
        runs = alternate(sides)
        count, different = taken(port)
    assert count == len(sides) * COUNT * REPEATS
    assert different == len(sides) * COUNT, "a message changed between runs"
    rates = {name: COUNT / middle(runs[name]) for name in sides}
    name = "nodemailer" if folder is not None else "smtplib"
    emit(
        result(
            "mails/s: asked again, sent to a null sink and settled",
            rates["ours"],
            rates[name],
            peer_version=_VERSIONS[name],
            target=f">= {TARGET:.0f} mails/s",
            met=rates["ours"] >= TARGET,
            spread=[COUNT / run.seconds for run in runs["ours"]],
            cpu_ms_per_mail=round(1000 * middle(runs["ours"], "cpu") / COUNT, 3),
            messages=COUNT,
            smtplib=round(rates["smtplib"], 1),
        )
    )
    shutil.rmtree(root, ignore_errors=True)
