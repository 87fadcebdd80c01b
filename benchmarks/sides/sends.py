"""Plans and sends what is due; prints the seconds of delivery alone: planning is measured apart."""

import sys
import time
from datetime import datetime
from pathlib import Path

from visavis.core.progress import SILENT
from visavis.flow import send

seconds: list[float] = []
run = send.Delivery.run


def timed(delivery: send.Delivery) -> None:
    """The delivery with a clock around it."""
    before = time.perf_counter()
    run(delivery)
    seconds.append(time.perf_counter() - before)


send.Delivery.run = timed  # type: ignore[method-assign]
at_ms = int(datetime.fromisoformat(sys.argv[2]).timestamp() * 1000)
told = send.send(Path(sys.argv[1]), at_ms, SILENT)
assert told["sent"] == told["planned"], told
print(seconds[0])
