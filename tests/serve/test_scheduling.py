"""The schedule: `serve` runs what is due beside itself, once, and tells of it."""

from __future__ import annotations

import json
import time
from pathlib import Path

from live import Server, command, events, key, project

from visavis.flow.projects import load_project
from visavis.flow.schedule import Schedule, schedule_of
from visavis.store.locks import writing

MINUTE = 60_000
SETTINGS = """\
name: Shop
time_zone: UTC
schedule:
  build: 1h
  flush: {every: 10m}
  send: {cron: "0 9 * * *"}
"""
NINE = 1_767_258_000_000  # 2026-01-01T09:00:00Z


def scheduled(root: Path) -> Schedule:
    return schedule_of(load_project(root))


def test_what_is_due_and_when(tmp_path: Path) -> None:
    root = project(tmp_path / "shop", visavis_yml=SETTINGS)
    (root / ".visavis").mkdir()
    plan, now = scheduled(root), NINE - MINUTE
    assert plan.due(now) == "build"
    plan.started("build", now)
    plan.ended("build", now + 5, 0)
    assert plan.due(now) == "flush"
    plan.started("flush", now)
    assert plan.due(now) is None
    assert plan.due(NINE) == "send"
    plan.started("send", NINE)
    plan.ended("send", NINE, 1)
    again = scheduled(root)  # as after a restart: nothing is repeated
    assert again.due(NINE + 8 * MINUTE) is None
    assert again.due(NINE + 9 * MINUTE) == "flush"
    told = again.told(NINE)["send"]
    assert (told["exit"], told["succeeded"], told["next"]) == (1, None, "2026-01-02T09:00:00Z")
    # what passed while nothing ran is made up once
    assert again.due(NINE + 3 * 24 * 60 * MINUTE) == "build"


def test_a_job_waits_while_its_lock_is_held(tmp_path: Path) -> None:
    root = project(tmp_path / "shop", visavis_yml="name: S\nschedule: {build: 1 hour}\n")
    plan = scheduled(root)
    with writing(root / ".visavis", "build", NINE):
        assert plan.due(NINE) is None
    assert plan.due(NINE) == "build"


def test_serve_builds_by_itself_and_tells_of_it(tmp_path: Path) -> None:
    settings = "name: Shop\nschedule:\n  build: 1h\n  flush: 1 hour\n"
    root = project(tmp_path / "shop", visavis_yml=settings)
    key(root)
    with Server(root) as server:
        ended = wait(server)
        assert {job["exit"] for job in ended.values()} == {0}
        metrics = server.http.get("/metrics").text
        assert 'visavis_job_succeeded_seconds{job="build"}' in metrics
    with Server(root) as server:  # nothing is due yet
        assert (
            server.http.get("/ready").json()["schedule"]["build"]["last"] == ended["build"]["last"]
        )
    rows = json.loads(command(root, "doctor", "--json").stdout)
    (row,) = [row for row in rows if row["what"] == "schedule build"]
    assert row["state"] == "ok"
    assert events(root) == []


def wait(server: Server) -> dict[str, dict[str, object]]:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        told = dict(server.http.get("/ready").json()["schedule"])
        if all(job["exit"] is not None for job in told.values()):
            return told
        time.sleep(0.1)
    raise AssertionError("the scheduled commands did not end")


def test_a_fixed_clock_is_the_services_too(tmp_path: Path) -> None:
    root = project(tmp_path / "shop")
    key(root)
    now = "2024-05-01T12:00:00Z"
    with Server(root, VISAVIS_NOW=now) as server:
        call = {"type": "track", "event": "Product Viewed", "userId": "u", "messageId": "m"}
        assert server.post("/v1/track", call).is_success
    assert command(root, "build", VISAVIS_NOW=now).returncode == 0
    done = command(root, "query", "select timestamp, received_at from events", "--json")
    assert json.loads(done.stdout) == [{"timestamp": now, "received_at": now}]
