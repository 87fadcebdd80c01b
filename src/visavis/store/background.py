"""Work that nobody waits for, beside a service that answers."""

from __future__ import annotations

import contextlib
import os
import sys
import threading

_NICE = 10


def in_the_background() -> None:
    """Lets all other threads go before the one that calls this, where the system can do that."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
