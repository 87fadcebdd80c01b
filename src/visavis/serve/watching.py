"""Health, readiness, metrics and the OpenAPI document; and the end of connections that stall."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from visavis.flow.knowing import Knowledge
from visavis.flow.live import Service, size
from visavis.flow.schedule import Schedule
from visavis.serve.commit import Committer
from visavis.serve.http import Answer, Request, as_json, error
from visavis.serve.routes import Route, Routes

if TYPE_CHECKING:
    from visavis.serve.app import App

_METRICS_TYPE = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
STALLED_SECONDS = 20.0
_LOOK_SECONDS = 5.0


@dataclass
class Watched:
    """What is watched over."""

    app: App
    committer: Committer
    service: Service
    knowledge: Knowledge
    schedule: Schedule
    clock: Callable[[], int]


def routes(all_routes: Routes, watched: Watched) -> list[Route]:
    """The routes that watch over the service; none needs a key or tells of anybody."""
    from visavis.serve.openapi import document

    committer, knowledge = watched.committer, watched.knowledge

    async def health(request: Request) -> Answer:
        return as_json({"status": "ok"})

    async def ready(request: Request) -> Answer:
        if committer.numbers.waiting_bytes > committer.most_waiting:
            return error(503, "busy", "more waits for the disk than can be held")
        if not knowledge.ready():
            return error(503, "not-ready", "profiles are being read in")
        jobs = watched.schedule.told(watched.clock())
        return as_json({"status": "ready", **({"schedule": jobs} if jobs else {})})

    async def metrics(request: Request) -> Answer:
        return Answer(200, _metrics(watched), (_METRICS_TYPE,))

    async def openapi(request: Request) -> Answer:
        return as_json(document(all_routes))

    return [
        Route("GET", "/health", health),
        Route("GET", "/ready", ready),
        Route("GET", "/metrics", metrics),
        Route("GET", "/openapi.json", openapi),
    ]


def _metrics(watched: Watched) -> bytes:
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    app, committer, service = watched.app, watched.committer, watched.service

    class Numbers:
        def collect(self) -> Iterator[Any]:
            told = CounterMetricFamily(
                "visavis_http_requests", "Requests answered.", labels=["path", "status"]
            )
            for (path, status), count in sorted(app.answers.items()):
                told.add_metric([path, str(status)], count)
            yield told
            spent = CounterMetricFamily(
                "visavis_http_seconds", "Seconds until the answers.", labels=["path"]
            )
            for path, seconds in sorted(app.seconds.items()):
                spent.add_metric([path], seconds)
            yield spent
            numbers = committer.numbers
            for name, what, value in (
                ("visavis_frames_stored", "Bodies made durable.", numbers.frames),
                ("visavis_frame_bytes_stored", "Bytes made durable.", numbers.bytes),
                ("visavis_commits", "Group commits.", numbers.commits),
                ("visavis_frames_not_stored", "Bodies the disk refused.", numbers.failed),
            ):
                yield CounterMetricFamily(name, what, value=value)
            waiting = numbers.waiting_bytes
            yield GaugeMetricFamily("visavis_waiting_bytes", "Bytes not yet durable.", waiting)
            held = size(service.state)
            yield GaugeMetricFamily("visavis_tail_bytes", "Bytes of the tail on disk.", held)

            yield from _jobs(watched)

    registry = CollectorRegistry()
    registry.register(Numbers())
    return generate_latest(registry)


def _jobs(watched: Watched) -> Iterator[Any]:
    """Of the scheduled commands the moments of the last start, success and next start."""
    from prometheus_client.core import GaugeMetricFamily

    schedule, now = watched.schedule, watched.clock()
    moments = {
        job: (schedule.next_at(job, now), schedule.runs[job].started, schedule.runs[job].succeeded)
        for job in schedule.jobs
    }
    for i, (name, what) in enumerate(
        (("next", "starts next"), ("started", "started last"), ("succeeded", "last succeeded"))
    ):
        told: Any = GaugeMetricFamily(
            f"visavis_job_{name}_seconds", f"When a scheduled command {what}.", labels=["job"]
        )
        for job, found in moments.items():
            at = found[i]
            if at is not None:
                told.add_metric([job], at / 1000)
        yield told


async def sweep(server: Any) -> None:
    """Ends connections whose request never comes to its end, so that they don't pile up.

    A connection is given up when it has no request under way and sent no whole request head for
    STALLED_SECONDS after it began one, or after it was opened.
    """
    since: dict[Any, float] = {}
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        now = time.monotonic()
        waiting = {c for c in server.server_state.connections if _incomplete(c)}
        since = {c: since.get(c, now) for c in waiting}
        for connection, start in since.items():
            if now - start >= STALLED_SECONDS and connection.transport is not None:
                connection.transport.close()


def _incomplete(connection: Any) -> bool:
    """A connection on which no head of a request is complete and that is not idle."""
    cycle = getattr(connection, "cycle", None)
    idle = getattr(connection, "idle_since", None)
    return (cycle is None or cycle.response_complete) and idle is None
