"""A local mailbox in Maildir format: every mail program opens it, nothing leaves the machine.

A message has one file name, made from its id, so that writing it twice is writing it once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from visavis.engage.channels import Fate, Outgoing
from visavis.store import crash
from visavis.store.disk import sync

MAILBOX = "mailbox"
"""The folder of the state that holds a local mailbox for each channel."""
_ENDING = ".visavis"


class Maildir:
    """Writes into `folder`/new."""

    knows = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("tmp", "new", "cur"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    async def send(self, batch: Sequence[Outgoing]) -> list[Fate]:
        fates = [self._write(message) for message in batch]
        sync(self.folder / "new")
        return fates

    async def close(self) -> None:
        return None

    def _write(self, message: Outgoing) -> Fate:
        name = f"{message.message_id}{_ENDING}"
        target = self.folder / "new" / name
        if target.exists() or any((self.folder / "cur").glob(f"{name}*")):
            return Fate("sent")
        draft = self.folder / "tmp" / name
        with draft.open("wb") as file:
            file.write(message.mail.replace(b"\r\n", b"\n"))
            file.flush()
            os.fsync(file.fileno())
        crash.point("mail-drafted")
        os.replace(draft, target)
        crash.point("mail-written")
        return Fate("sent")


def message_of(path: Path) -> str:
    """The id of the message in a file, also after a mail program marked it as read."""
    return path.name.partition(_ENDING)[0]
