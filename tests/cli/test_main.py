"""Shared options, exit codes, speed of starting, Problems on screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from shops import ORDERS, Run

MAIN = "from visavis.cli.main import main; main()"


def process(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, *args],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def seconds(*args: str) -> float:
    """The least of five runs; on a busy machine the CPU time tells what an idle one would."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        child = subprocess.Popen([sys.executable, *args], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        assert status == 0
        times += [time.perf_counter() - began, used.ru_utime + used.ru_stime]
    return min(times)


def test_help_is_there_within_half_a_second() -> None:
    assert seconds("-c", MAIN, "--help") <= 0.5


def test_importing_is_cheap() -> None:
    assert seconds("-c", "import visavis") - seconds("-c", "pass") < 0.3


def test_help_loads_no_heavy_package() -> None:
    heavy = ["duckdb", "pyarrow", "sqlglot", "numpy", "scipy", "pandas", "altair"]
    code = (
        "import sys, contextlib\n"
        "from visavis.cli.main import cli\n"
        "with contextlib.suppress(SystemExit): cli(['--help'])\n"
        f"assert not [m for m in {heavy!r} if m in sys.modules], sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_every_command_has_help(run: Run) -> None:
    from visavis.cli.main import cli

    for name in cli.commands or cli.list_commands(None):  # type: ignore[arg-type]
        text = run(name, "--help").stdout
        for option in ("--project", "--json", "--quiet"):
            assert option in text


@pytest.mark.parametrize(
    "words",
    [
        ("-p", "shop", "--json", "check"),
        ("check", "-p", "shop", "--json"),
        ("--json", "check", "-p", "shop"),
        ("-p", "elsewhere", "check", "-p", "shop", "--json"),
        ("-p", "shop", "--quiet", "check", "--json"),
    ],
)
def test_shared_options_stand_before_or_after(run: Run, shop: Path, words: tuple[str, ...]) -> None:
    assert run(*words).stdout == "[]\n"


def test_they_stand_around_the_commands_of_a_group(run: Run, shop: Path) -> None:
    for words in (("-p", "shop", "--json", "quarantine", "list"),
                  ("quarantine", "-p", "shop", "--json", "list"),
                  ("quarantine", "list", "--json", "-p", "shop")):  # fmt: skip
        assert run(*words).stdout == "[]\n"


def test_wrong_usage_is_two(run: Run) -> None:
    run("nonsense", exit_code=2)
    run("build", "--nonsense", exit_code=2)
    run("query", exit_code=2)
    run("build", "--as-of", "yesterday", exit_code=2)
    run("init", "x", "--map", "customer=a", exit_code=2)


def test_a_project_at_fault_is_one(run: Run, shop: Path) -> None:
    (shop / "segments" / "bad.yml").write_text("segments:\n  x: {condition: ordrs > 1}\n")
    result = run("-p", "shop", "check", exit_code=1)
    assert "1 errors" in result.stdout
    assert "error[unknown-name]" in result.stderr
    assert "--> segments/bad.yml:2:18" in result.stderr
    assert "2 |   x: {condition: ordrs > 1}" in result.stderr
    assert "Did you mean 'orders'?" in result.stderr
    (problem,) = json.loads(run("-p", "shop", "check", "--json", exit_code=1).stdout)
    assert list(problem) == ["code", "severity", "file", "line", "column", "message", "hint"]
    assert (problem["file"], problem["line"], problem["column"]) == ("segments/bad.yml", 2, 18)


def test_no_project_is_one(run: Run) -> None:
    assert "not-a-project" in run("build", exit_code=1).stderr
    assert "not-a-project" in run("check", "--json", exit_code=1).stdout


def test_before_the_first_build(run: Run, shop: Path) -> None:
    for words in (
        ("query", "select 1"),
        ("people",),
        ("count", "orders > 1"),
        ("report", "repeat"),
    ):
        assert "not-built" in run("-p", "shop", *words, exit_code=1).stderr


def test_progress_goes_to_standard_error_unless_quiet(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS)
    now = {"VISAVIS_NOW": "2018-03-10T00:00:00Z"}
    made = process("init", "shop", "--orders", "orders.csv", "--yes", cwd=tmp_path, **now)
    assert made.returncode == 0, made.stderr
    loud = process("-p", "shop", "build", "--json", cwd=tmp_path, **now)
    assert loud.stdout.count("\n") == 1
    assert json.loads(loud.stdout)["people"] == 4
    assert loud.stderr
    assert "\x1b" not in loud.stderr
    quiet = process("-p", "shop", "build", "--json", "--quiet", cwd=tmp_path, **now)
    assert (quiet.stderr, quiet.returncode) == ("", 0)


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS)
    process("init", "shop", "--orders", "orders.csv", "--yes", cwd=tmp_path)
    process("-p", "shop", "build", cwd=tmp_path)
    command = (
        f"{sys.executable} -c '{MAIN}' -p shop query 'select * from range(300000)' --format csv"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        f"{command} | head -n 2", shell=True, cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.stdout == "range\n0\n"
    assert "Traceback" not in done.stderr


def test_the_package_is_the_command() -> None:
    command = [sys.executable, "-m", "visavis", "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.startswith("visavis")
