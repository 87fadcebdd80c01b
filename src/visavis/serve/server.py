"""Runs the service: one event loop on uvicorn, the committer, and what watches over both."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visavis.flow.knowing import Knowledge, decider_of
from visavis.flow.live import Service, open_service
from visavis.flow.live_decide import Decider
from visavis.flow.schedule import schedule_of
from visavis.serve import api, garbage, scheduling, watching
from visavis.serve.answers import Answers
from visavis.serve.app import App
from visavis.serve.collecting import Collecting, clock
from visavis.serve.commit import Committer
from visavis.serve.routes import Routes

_SWITCH_SECONDS = 0.0005
"""How soon the committer's thread gets its turn beside a busy event loop."""
_M_MMAP_THRESHOLD, _LARGE_BYTES = -3, 1 << 20


@dataclass
class Running:
    """A service and its application; the committer is there between startup and shutdown."""

    service: Service
    routes: Routes = field(default_factory=Routes)
    committer: Committer | None = None
    knowledge: Knowledge | None = None
    decider: Decider | None = None
    clock: Callable[[], int] = clock
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = App(self.routes, self._start, self._stop)

    async def _start(self) -> None:
        sys.setswitchinterval(_SWITCH_SECONDS)
        service = self.service
        self.knowledge = Knowledge(service.project.root, service.state, service.project)
        loop = asyncio.get_running_loop()
        committer = Committer(service.tail, loop, self.knowledge.listen)
        self.committer = committer
        self.knowledge.covered = lambda through: committer.between(lambda: service.clear(through))
        collecting = Collecting(committer, self.service.keyring, self.clock)
        self.routes.add(*api.collection(collecting), *api.client_settings())
        self.decider = decider_of(service.state)
        answers = Answers(
            self.knowledge, service.keyring, self.decider, committer.put_soon, self.clock
        )
        self.routes.add(*answers.routes())
        schedule = schedule_of(service.project)
        watched = watching.Watched(
            self.app, committer, service, self.knowledge, schedule, self.clock
        )
        self.routes.add(*watching.routes(self.routes, watched))
        await self.knowledge.first()
        garbage.begin()
        self.tasks.append(loop.create_task(self.knowledge.watch()))
        self.tasks += [loop.create_task(garbage.tidy()), loop.create_task(garbage.tidy_young())]
        root = service.project.root
        self.tasks.append(loop.create_task(scheduling.run(schedule, root, self.clock)))

    async def _stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.committer is not None:
            await asyncio.to_thread(self.committer.close)
        if self.knowledge is not None:
            await asyncio.to_thread(self.knowledge.close)
        if self.decider is not None:
            self.decider.close()
        self.service.close()
        garbage.end()


def application(root: Path) -> App:
    """The service of a project as an ASGI application."""
    return Running(open_service(root)).app


def serve(root: Path, host: str, port: int, clock: Callable[[], int] = clock) -> None:
    """Serves until the process is told to end; then stores what waits and goes."""
    import uvicorn

    from visavis.serve.wire import Wire

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    _allow_connections()
    _keep_large_blocks_apart()
    running = Running(open_service(root), clock=clock)
    config = uvicorn.Config(
        running.app, host=host, port=port, access_log=False, log_level="warning",
        http=Wire, ws="none", proxy_headers=False, lifespan="on", server_header=False,
        date_header=False,
        timeout_keep_alive=75, backlog=4096, h11_max_incomplete_event_size=64 * 1024,
    )  # fmt: skip
    server = uvicorn.Server(config)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(server, running))


def _allow_connections() -> None:
    """As many open connections as the system lets the process have, not what shells begin with."""
    import resource

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _keep_large_blocks_apart() -> None:
    """Has large tables, which are laid out anew now and then, given back to the system as a whole:
    among small blocks they would leave holes. Only glibc can be told, and only it need be."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


async def _serve(server: Any, running: Running) -> None:
    sweeper = asyncio.create_task(watching.sweep(server))
    try:
        await server.serve()
    finally:
        sweeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeper
