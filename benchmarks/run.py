"""`make bench [NAME=...]`: runs the benchmarks of this folder, each printing its JSON lines."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
SHARED = {"run", "harness", "invented", "shop"}
"""Not benchmarks, but what they share."""


def main(names: list[str]) -> int:
    """Runs those named, or all."""
    sys.path.insert(0, str(HERE))
    known = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in SHARED)
    unknown = [name for name in names if name not in known]
    if unknown:
        print(
            f"no benchmark named {', '.join(unknown)}; there are: {', '.join(known)}",
            file=sys.stderr,
        )
        return 2
    import harness

    for name in names or known:
        harness.begin()
        importlib.import_module(name).main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
