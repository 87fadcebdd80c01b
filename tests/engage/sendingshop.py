"""A small shop that sends: customers with addresses and consents, two offers, a mail server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import visavis

SOURCE = Path(visavis.__file__).parent
AS_OF, AT = "2024-03-01T00:00:00Z", "2024-03-01T10:00:00Z"
FILES = {
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
    fields:
      first_name: {type: text}
      time_zone: {type: text}
      language: {type: text}
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
  time_zone: {given: time_zone}
  language: {given: language}
""",
    "segments/s.yml": "segments:\n  rich: revenue > 100\n",
    "offers/o.yml": """\
offers:
  hello:
    eligible: orders > 0
    channel: email
    content: hello
    value: 1
  gift:
    eligible: in_segment('rich')
    channel: email
    content: gift
    value: revenue
    occasion: last_order_at
""",
    "content/c.yml": """\
content:
  hello:
    subject: Hello {{ first_name | default("you") }}
    text: |
      Dear {{ first_name }},
      {{ unsubscribe_url }}
    html: <p>Dear {{ first_name }}, <a href="{{ unsubscribe_url }}">no more</a></p>
    defaults: {first_name: customer}
    languages:
      de: {subject: Hallo}
  gift:
    subject: A gift
    text: "{{ first_name }}, you have spent {{ revenue | money }}."
    defaults: {first_name: friend}
""".replace('default("you")', "default: 'you'").replace(
        "subject: Hello {{ first_name | default: 'you' }}",
        "subject: \"Hello {{ first_name | default: 'you' }}\"",
    ),
    "policies/p.yml": "caps:\n  daily: {limit: 1, per: day, counted: calendar}\n",
}


def shop(root: Path, count: int = 6, **changes: str) -> Path:
    """`count` customers c1, c2, ...; every third gives no consent; c1 is rich."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(changes.get(name.replace("/", "_").replace(".", "_"), text))
    data = root / "data"
    data.mkdir(exist_ok=True)
    orders = ["order,customer,mail,time,amount"]
    people = ["customer,first_name,time_zone,language"]
    consents = ["mail,purpose,says,time,channel"]
    for n in range(1, count + 1):
        amount = 500 if n == 1 else 10
        orders.append(f"{n},c{n},c{n}@example.invalid,2024-02-{n % 28 + 1:02d}T10:00:00Z,{amount}")
        people.append(f"c{n},Name{n},,{'de' if n == 2 else ''}")
        if n % 3:
            consents.append(f"c{n}@example.invalid,marketing,yes,2024-01-01T00:00:00Z,email")
    for name, lines in (("orders", orders), ("people", people), ("consents", consents)):
        (data / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def live(port: int, more: str = "") -> str:
    """A policy that sends through a mail server of this machine."""
    return (
        "channels:\n  email: {kind: smtp, live: true, host: 127.0.0.1, "
        f"port: {port}, security: none, from: Shop <shop@shop.example>, timeout: 2 seconds"
        f"{more}}}\n"
    )


def run(root: Path, *words: str, fails: bool = False, **environment: str) -> Any:
    """One command as a user would run it, in this process where that is the same; its JSON."""
    from click.testing import CliRunner

    from visavis.cli.main import cli

    if environment:
        done = process(root, *words, **environment)
        code, out, told = done.returncode, done.stdout, done.stderr
    else:
        result = CliRunner().invoke(cli, ["-p", str(root), "--json", "--quiet", *words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        code, out, told = result.exit_code, result.stdout, result.stderr
    assert (code != 0) == fails, told
    if fails:
        return told
    return json.loads(out) if out.strip().startswith(("{", "[")) else out


def process(root: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from visavis.cli.main import main; main()"]
    env = os.environ | {"PYTHONPATH": str(SOURCE.parent)} | environment
    return subprocess.run(
        [*command, "-p", str(root), "--json", "--quiet", *words],
        env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def build(root: Path) -> None:
    run(root, "build", "--as-of", AS_OF)
