"""`make bench [NAME=...]`: runs the benchmarks of this folder, each printing its JSON lines."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
SHARED = {"run", "harness", "invented", "shop", "live", "load", "peers", "feast_peer"}
"""Not benchmarks, but what they share."""
FILES = {"profile": "profiles"}
"""Names whose file is called otherwise: a profile.py would stand before Python's own."""


def main(names: list[str]) -> int:
    """Runs those named, or all."""
    sys.path.insert(0, str(HERE))
    stems = {path.stem for path in HERE.glob("*.py")} - SHARED - set(FILES.values())
    known = sorted(stems | set(FILES))
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
        importlib.import_module(FILES.get(name, name)).main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
