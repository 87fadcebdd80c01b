"""Runs mutants in forked processes, each against the quick laws, and tells who survived."""

from __future__ import annotations

import importlib.abc
import importlib.util
import json
import os
import pickle
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from random import Random
from types import ModuleType

from tests.mutation import suite
from tests.mutation.mutants import Mutant, mutants, mutated

ROOT = Path(__file__).resolve().parents[2]
EQUIVALENT = ROOT / "tests" / "mutation" / "equivalent.json"
LANG, ENGINES, UNDERSTAND = "visavis.core.lang", "visavis.store.engines", "visavis.understand"
ELSEWHERE = {"__init__", "tags", "moments", "states", "steady", "switches", "timeline"}
"""Modules beside the batch reader that tell since when; test_since.py holds them."""


def _modules(package: str, pattern: str) -> tuple[str, ...]:
    folder = ROOT / "src" / package.replace(".", "/")
    stems = sorted(path.stem for path in folder.glob(pattern))
    return tuple(f"{package}.{stem}" for stem in stems if stem not in ELSEWHERE)


READERS = {
    "python": (
        *_modules(LANG, "reader*.py"),
        *(f"{LANG}.{name}" for name in ("conditions", "growing", "history")),
    ),
    "duckdb": (*_modules(ENGINES, "duckdb*.py"), *_modules(UNDERSTAND, "*.py")),
}
RELOADED = {
    "python": tuple(
        f"{LANG}.{name}" for name in ("conditions", "growing", "history", "reader", "timeline")
    ),
    "duckdb": (ENGINES, "visavis.store.warehouse", UNDERSTAND),
}
UNUSED = {
    "reader": ("rows_behind", "_sources", "_rows", "only"),
    "duckdb": (
        "write_parquet",
        "arrow",
        "batches",
        "register",
        "runs",
        "columns",
        "DuckDB.__init__",
    ),
    "reader_select": ("indexes",),
    "batch": ("compute_fits",),
    "duckdb_names": ("text_literal",),
}
"""Functions that explain, write or set up and are tested elsewhere."""
CLOCKED = ("ticks", "until", "dates", "scalar")
"""Modules of the Python reader that tell until when."""
KEPT = ("reader", "history", "growing", "conditions")
"""Modules of it that take events in and keep answers."""
PATIENCE_SECONDS, ROOM_BYTES = 120, 6 << 30
"""Processor time and memory after which a mutant that never comes to an end is noticed."""


def path_of(module: str) -> Path:
    return ROOT / "src" / (module.replace(".", "/") + ".py")


def all_mutants(reader: str) -> list[Mutant]:
    """Every mutant of a reader, module by module."""
    found: list[Mutant] = []
    for module in READERS[reader]:
        source = path_of(module).read_text(encoding="utf-8")
        found += [m for m in mutants(module, source, reader == "duckdb") if not _unused(m)]
    return found


def _unused(mutant: Mutant) -> bool:
    short = mutant.module.rpartition(".")[2]
    return any(name in mutant.function for name in UNUSED.get(short, ()))


def equivalent() -> dict[str, str]:
    """Mutants that change nothing a law could see, by key, with the reason."""
    known: dict[str, str] = json.loads(EQUIVALENT.read_text(encoding="utf-8"))
    return known


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves one module with its mutant's change."""

    def __init__(self, mutant: Mutant, sql: bool) -> None:
        self.mutant, self.sql = mutant, sql

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != self.mutant.module:
            return None
        return importlib.util.spec_from_loader(name, self, origin=str(path_of(name)))

    def exec_module(self, module: ModuleType) -> None:
        source = path_of(self.mutant.module).read_text(encoding="utf-8")
        tree = mutated(source, self.mutant, self.sql)
        exec(compile(tree, self.mutant.module, "exec"), module.__dict__)


def _try(mutant: Mutant, reader: str, known: Sequence[suite.Known]) -> int | None:
    """In the child: which round notices the change; see suite.batch_noticed."""
    for name in [n for n in sys.modules if n.startswith(RELOADED[reader])]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Finder(mutant, reader == "duckdb"))
    if reader == "duckdb":
        return suite.batch_noticed(known, mutant.module.endswith("_zone"))
    short = mutant.module.rpartition(".")[2]
    return suite.live_noticed(known, short.removeprefix("reader_") in CLOCKED, short in KEPT)


_BROKEN = 1


def _forked(work: Callable[[], int | None]) -> int:
    """Starts a child that does the work; its exit code is 0 for None, else more by two."""
    child = os.fork()
    if child:
        return child
    code = _BROKEN
    try:
        signal.setitimer(signal.ITIMER_PROF, PATIENCE_SECONDS)
        resource.setrlimit(resource.RLIMIT_DATA, (ROOM_BYTES, ROOM_BYTES))
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        number = work()
        code = 0 if number is None else number + 2
    except Exception:  # noqa: BLE001 - a mutant that breaks is a mutant noticed
        code = _BROKEN
    finally:
        os._exit(code)


def learned(quick: bool) -> list[suite.Known]:
    """What both readers say unchanged; asked in a child, so that no engine runs while we fork."""
    with tempfile.NamedTemporaryFile(suffix=".pickle") as file:
        child = os.fork()
        if not child:
            code = 1
            try:
                with open(file.name, "wb") as out:
                    pickle.dump(suite.learn(quick), out)
                code = 0
            finally:
                os._exit(code)
        if os.waitpid(child, 0)[1]:
            raise SystemExit("the laws fail without any change; mend that first")
        with open(file.name, "rb") as known:
            return pickle.load(known)  # type: ignore[no-any-return]


def survivors(
    reader: str, chosen: Iterable[Mutant], known: Sequence[suite.Known], jobs: int
) -> Iterator[tuple[Mutant, bool]]:
    """Each mutant with whether it survived, as they finish.

    What noticed one mutant likely notices the next: that round is asked first.
    """
    running: dict[int, Mutant] = {}
    waiting, known = list(chosen), list(known)
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop(0)
            running[_forked(lambda m=mutant: _try(m, reader, known))] = mutant
        child, status = os.wait()
        number = os.waitstatus_to_exitcode(status) - 2
        known.sort(key=lambda item: item.number != number)
        yield running.pop(child), status == 0


def sampled(found: Sequence[Mutant], count: int | None, seed: int) -> list[Mutant]:
    """All, or so many spread over the modules by chance."""
    if count is None or count >= len(found):
        return list(found)
    return Random(seed).sample(list(found), count)


def run(
    readers: Sequence[str],
    sample: int | None,
    seed: int,
    jobs: int,
    only: Sequence[str],
    quick: bool = False,
) -> dict:
    """Figures and survivors per reader."""
    allowed, report = equivalent(), {}
    known = learned(quick)
    for reader in readers:
        began = time.monotonic()
        found = [m for m in all_mutants(reader) if not only or any(o in m.key for o in only)]
        chosen = sampled([m for m in found if m.key not in allowed], sample, seed)
        alive = []
        for number, (mutant, survived) in enumerate(survivors(reader, chosen, known, jobs), 1):
            if survived:
                alive.append(f"{mutant.module}:{mutant.line} {mutant.key}")
                sys.stderr.write(f"survived: {alive[-1]}\n")
            if number % 50 == 0:
                sys.stderr.write(f"{reader}: {number} of {len(chosen)}\n")
        report[reader] = {
            "mutants": len(chosen),
            "killed": len(chosen) - len(alive),
            "equivalent": sum(m.key in allowed for m in found),
            "survived": alive,
            "seconds": round(time.monotonic() - began, 1),
        }
    return report
