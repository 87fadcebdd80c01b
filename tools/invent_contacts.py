"""Invents e-mail addresses, names, birthdays and consents for the grocer example.

The real data have none. Everything comes from a stable hash of the household's number, so that
the files are the same on every machine; addresses end in @example.invalid and lead nowhere.
"""

from __future__ import annotations

import csv
import sys
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

NAMES = (
    *("Ada", "Ben", "Carla", "David", "Elena", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Karin"),
    *("Liam", "Mira", "Noah", "Olga", "Paul", "Quentin", "Rosa", "Samuel", "Tara", "Uma"),
    *("Viktor", "Wanda", "Xenia", "Yusuf", "Zoe", "美玲", "伟", "芳", "娜", "小明", "José", "Zoë"),
    "Łukasz",
)


def number(household: int, what: str, below: int) -> int:
    """A number from 0 that only the household and the question decide."""
    return int(sha256(f"{what}:{household}".encode()).hexdigest()[:12], 16) % below


def contact(household: int) -> list[str]:
    """Household, first name, e-mail, birthday; one in eight has no e-mail, one in five no name."""
    name = "" if number(household, "nameless", 5) == 0 else NAMES[number(household, "name", 34)]
    email = "" if number(household, "silent", 8) == 0 else f"household{household}@example.invalid"
    born = date(1935, 1, 1) + timedelta(days=number(household, "born", 26_000))
    return [str(household), name, email, born.isoformat()]


def consents(household: int) -> list[list[str]]:
    """Four in five with an address said yes in 2017; one in ten of them took it back later."""
    email = contact(household)[2]
    if not email or number(household, "consent", 5) == 0:
        return []
    day = date(2017, 1, 1) + timedelta(days=number(household, "day", 300))
    said = [[email, "email", "marketing", "yes", f"{day}T10:00:00Z"]]
    if number(household, "withdrawn", 10) == 0:
        later = day + timedelta(days=30)
        said.append([email, "email", "marketing", "no", f"{later}T10:00:00Z"])
    return said


def write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main(folder: Path, households: list[int]) -> None:
    people = [contact(household) for household in households]
    write(folder / "contacts.csv", ["household_id", "first_name", "email", "birthday"], people)
    said = [row for household in households for row in consents(household)]
    write(folder / "consents.csv", ["email", "channel", "purpose", "consent", "at"], said)
    blocked = [[row[2], "complained to the store"] for row in people if row[2]][::250]
    write(folder / "suppressed.csv", ["email", "reason"], blocked)


if __name__ == "__main__":
    import duckdb

    transactions = Path(sys.argv[1])
    found = duckdb.sql(
        f"select distinct household_id::int h from read_parquet('{transactions}') order by h"
    ).fetchall()
    main(Path(__file__).parents[1] / "examples" / "grocer" / "data", [row[0] for row in found])
