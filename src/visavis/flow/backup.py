"""`backup` and `restore`: the state of one moment in a file, taken while serving goes on."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from visavis import __version__
from visavis.core.clock import format_time
from visavis.core.problems import Problem, ProblemsError
from visavis.flow.projects import load_project, state_of
from visavis.flow.published import state_folder
from visavis.project.folder import is_project, read_texts
from visavis.store import backup as files
from visavis.store.locks import writing
from visavis.store.state import State

BACKUPS = "backups"
"""Name of the state's fact: the backups made, so that an erasure can tell of them."""
_REMEMBERED = 200


def backup(root: Path, target: Path, now_ms: int) -> dict[str, Any]:
    """Writes a backup to a new file. Builds, sends and a service may run meanwhile.

    Raises ProblemsError `file-exists`.
    """
    start = time.perf_counter()
    project = load_project(root)
    state = state_of(project)
    definitions = {name: root / name for name in read_texts(root)[0]}
    about = {"project": project.name, "made_at": format_time(now_ms), "visavis": __version__}
    with writing(state, "backup", now_ms, "backup.lock"):
        for leftover in (state / "tmp").glob("backup-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        try:
            made = files.write(state, definitions, target, about)
        except FileExistsError:
            raise ProblemsError([_exists(target)]) from None
        except files.Moving:
            message = "The project changed at every try, so nothing was backed up."
            raise ProblemsError([Problem("locked", message, hint="Try again.")]) from None
        with State(state / "state.db") as db:
            known = [*(db.fact(BACKUPS) or []), {"file": target.name, "at": now_ms}]
            db.commit(None, facts={BACKUPS: known[-_REMEMBERED:]})
    return _told(made) | {
        "bytes": target.stat().st_size,
        "seconds": round(time.perf_counter() - start, 3),
    }


def restore(root: Path, file: Path) -> dict[str, Any]:
    """Makes a backup the state of a project that has none yet; a new folder gets its definitions.

    Raises ProblemsError `bad-backup`, and `state-exists` rather than take anything's place.
    """
    target = state_folder(root) if is_project(root) else None
    if target is not None and target.exists() and any(target.iterdir()):
        raise ProblemsError([_state_exists(target, root)])
    beside = target.parent if target is not None else root
    beside.mkdir(parents=True, exist_ok=True)
    folder = beside / ".visavis-restoring"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        made = files.read(file, folder)
        if target is None:
            _place(folder / files.PROJECT, root)
            target = state_folder(root)
        files.settle(folder, target)
    except files.Unusable as error:
        raise ProblemsError([_bad(file, str(error))]) from error
    except FileExistsError as error:
        place = target or root
        raise ProblemsError([_state_exists(place, root)]) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _told(made)


def _place(source: Path, root: Path) -> None:
    """Puts the definitions of a backup into a folder that has none of them."""
    paths = sorted(path for path in source.rglob("*") if path.is_file())
    there = [root / path.relative_to(source) for path in paths]
    for path in there:
        if path.exists():
            raise FileExistsError(path)
    for path, place in zip(paths, there, strict=True):
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(place)


def _told(made: dict[str, Any]) -> dict[str, Any]:
    told = {name: made[name] for name in ("project", "made_at", "visavis", "build_id")}
    return told | {"files": len(made["files"])}


def _exists(target: Path) -> Problem:
    message = f"The file '{target}' is there already, and nothing is written over."
    return Problem("file-exists", message, hint="Name another file, like one with the date in it.")


def _state_exists(state: Path, root: Path) -> Problem:
    shown = state.relative_to(root).as_posix() if state.is_relative_to(root) else str(state)
    message = f"'{shown}' is there already, and a restore takes the place of nothing."
    hint = "Restore into another folder with `-p DIR`, or move what is there away first."
    return Problem("state-exists", message, hint=hint)


def _bad(file: Path, why: str) -> Problem:
    message = f"'{file.name}' can't be restored: {why}."
    return Problem("bad-backup", message, hint="Nothing was changed. Try an older backup.")
