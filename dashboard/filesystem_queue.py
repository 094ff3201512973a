"""Kombu's filesystem transport, with whole files only.

As it comes, a process killed while it writes leaves half a file: half a message ends the worker that reads it, half an
exchange table ends every worker from then on. Here each file is written beside its place and moved there in one step.
"""

import os
import uuid
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.transport import filesystem
from kombu.transport.filesystem import exchange_queue_t
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """The filesystem transport's channel, safe to be killed at any moment."""

    def _put(self, queue: str, message: Any, **_kwargs: Any) -> None:  # type: ignore[override]  # fanout adds words
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        _write_whole(Path(self.data_folder_out) / name, message)

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None) -> None:
        self.control_folder.mkdir(exist_ok=True)
        bound = exchange_queue_t(routing_key or "", pattern or "", queue or "")
        table = self.get_table(exchange)
        if bound not in table:
            file = self._exchange_file(exchange)  # type: ignore[attr-defined]  # the stubs are older
            _write_whole(file, [bound, *table])


class Transport(filesystem.Transport):
    """`filesystem://` as Signboard uses it."""

    Channel = Channel


def _write_whole(path: Path, value: Any) -> None:
    draft = path.with_name(f".{uuid.uuid4()}.draft")  # no queue's name ends so: nobody reads it
    draft.write_bytes(str_to_bytes(dumps(value)))
    os.replace(draft, path)  # noqa: PTH105 - says that it replaces
