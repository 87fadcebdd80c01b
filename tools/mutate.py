"""Changes each reader of the definition language in many small ways and sees the laws notice.

Prints one JSON line; exit status 1 if a change went unnoticed that is not known to be equivalent.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reader", choices=("python", "duckdb"), action="append")
    parser.add_argument("--sample", type=int, help="only so many mutants of each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", action="append", help="only mutants whose name has this text")
    parser.add_argument("--quick", action="store_true", help="fewer invented rounds")
    args = parser.parse_args()

    readers = args.reader or ["python", "duckdb"]
    with TemporaryDirectory(prefix="mutants-") as folder:
        # a copy, so that nobody's edits come between two mutants
        for part in ("src", "tests"):
            shutil.copytree(ROOT / part, Path(folder) / part)
        sys.path[:0] = [folder, str(Path(folder) / "src")]
        from tests.mutation.run import run

        report = run(readers, args.sample, args.seed, args.jobs, args.only or [], args.quick)
    print(json.dumps(report, ensure_ascii=False))
    return 1 if any(part["survived"] for part in report.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
