"""`make bench [NAME=...]`: runs the benchmarks of this folder, each printing its JSON lines."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
NOT_BENCHES = {"run", "harness", "invented"}


def main(names: list[str]) -> int:
    """Runs those named, or all."""
    sys.path.insert(0, str(HERE))
    known = sorted(
        p.stem
        for p in HERE.glob("*.py")
        if p.stem not in NOT_BENCHES and not p.stem.startswith("_")
    )
    unknown = [n for n in names if n not in known]
    if unknown:
        print(
            f"no benchmark named {', '.join(unknown)}; there are: {', '.join(known)}",
            file=sys.stderr,
        )
        return 2
    for name in names or known:
        importlib.import_module(name).main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
