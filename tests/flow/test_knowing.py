"""A service that is asked to end does so, whatever it is waiting for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from visavis.flow.knowing import Knowledge


class Ended:
    """A process that has ended the moment that its service is asked to."""

    pid = 1

    def __init__(self) -> None:
        self.waited = 0

    async def wait(self) -> int:
        self.waited += 1
        if self.waited == 1:
            raise asyncio.CancelledError
        return 0

    def kill(self) -> None:
        raise ProcessLookupError


def test_the_end_of_a_history_does_not_keep_a_service_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = Ended()

    async def started(*words: str) -> Ended:
        return ended

    monkeypatch.setattr(asyncio, "create_subprocess_exec", started)
    monkeypatch.setattr(Knowledge, "_has_history", lambda self: False)
    project: Any = None
    knowledge = Knowledge(tmp_path, tmp_path, project)

    async def watched() -> None:
        async with asyncio.timeout(5):
            await knowledge.watch()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(watched())
    assert ended.waited == 2
