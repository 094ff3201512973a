"""Asking the network from a few threads while one thread writes; no thread of these touches the database."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from registries.budgets import Budget
from registries.oci.errors import OciError, RegistryError

AHEAD = 4  # answers a worker may be ahead of the writing
TOGETHER = 8  # answers that the writing thread is woken for: to wake it for each costs as much as to ask
HOST_IS_GONE = frozenset({"unreachable", "timeout", "tls", "unauthorized", "forbidden_address"})
PATIENCE = 5  # such answers in a row


class InterruptedIndexError(Exception):
    """The registry cannot be asked any more for now; the index is to be resumed later."""

    def __init__(self, error: OciError) -> None:
        super().__init__(str(error))
        self.error = error


class Fetcher:
    """A few threads that ask one registry."""

    def __init__(self, workers: int, budget: Budget, tick: Callable[[], None]) -> None:
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="fetch")
        self._tick = tick
        self._failures = 0
        self._budget = budget

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def each[Item, Answer](
        self,
        ask: Callable[[Item], Answer],
        items: Iterable[Item],
        error_in: Callable[[Answer], OciError | None] = lambda _: None,
    ) -> Iterator[tuple[Item, Answer | OciError]]:
        """Each item with its answer or our error about it, in the order of the items.

        Raises InterruptedIndexError when the registry as a whole stopped answering; `error_in` finds an error that an
        answer carries inside.
        """

        def error_of(answer: Answer | OciError) -> OciError | None:
            return answer if isinstance(answer, OciError) else error_in(answer)

        asked = _Round(ask, items, self._budget, AHEAD * self._workers, error_of)
        asked.begin(self._pool, self._workers)
        try:
            while asked.left:
                self._tick()
                for item, answer in asked.some(timeout=1):
                    self._watch(error_of(answer))
                    yield item, answer
        finally:
            asked.stop()

    def _watch(self, error: OciError | None) -> None:
        """Take note of an answer: one refusal for too many requests, or some failures in a row, end the run."""
        self._budget.answered(error)
        if isinstance(error, RegistryError) and error.code == "server_error" and error.retry_after is not None:
            raise InterruptedIndexError(error)
        if error is None or error.code not in HOST_IS_GONE | {"rate_limited"}:
            self._failures = 0
            return
        self._failures += 1
        if error.code == "rate_limited" or self._failures >= PATIENCE:
            raise InterruptedIndexError(error)


class _Slot[Item, Answer]:
    """An item that a thread asks about, and then its answer."""

    __slots__ = ("answer", "is_done", "item")
    answer: Answer | OciError

    def __init__(self, item: Item) -> None:
        self.item = item
        self.is_done = False


class _Round[Item, Answer]:
    """Some items on their way through the threads; what none foresaw in a thread is raised where answers are read."""

    def __init__(
        self,
        ask: Callable[[Item], Answer],
        items: Iterable[Item],
        budget: Budget,
        ahead: int,
        error_of: Callable[[Answer | OciError], OciError | None],
    ) -> None:
        self._ask, self._budget, self._ahead, self._error_of = ask, budget, ahead, error_of
        self._items = deque(items)
        self._begun: deque[_Slot[Item, Answer]] = deque()
        self._working = 0
        self._awaited = 0  # answers until the reading thread is woken
        self._fault: BaseException | None = None
        lock = threading.Lock()
        self._room, self._ready = threading.Condition(lock), threading.Condition(lock)

    @property
    def left(self) -> int:
        return len(self._items) + len(self._begun)

    def begin(self, pool: ThreadPoolExecutor, most: int) -> None:
        self._working = min(most, self._budget.at_once, self.left)
        for _ in range(self._working):
            pool.submit(self._work)

    def some(self, timeout: float) -> list[tuple[Item, Answer | OciError]]:
        """The answers that are next: those that are there, else a few together, or those before an error."""
        with self._ready:
            if not (self._begun and self._begun[0].is_done):
                under_way = sum(not slot.is_done for slot in self._begun)
                self._awaited = min(TOGETHER, under_way + min(len(self._items), self._ahead - len(self._begun)))
                self._ready.wait_for(lambda: self._awaited <= 0, timeout)
            if self._fault:
                raise self._fault
            found = []
            while self._begun and self._begun[0].is_done:
                slot = self._begun.popleft()
                found.append((slot.item, slot.answer))
            self._room.notify_all()
        return found

    def stop(self) -> None:
        """Nothing more is begun."""
        with self._room:
            self._items.clear()
            self._room.notify_all()

    # in a thread

    def _work(self) -> None:
        try:
            while slot := self._next():
                slot.answer = self._answer(slot.item)
                self._done(slot)
        except BaseException as error:  # noqa: BLE001 - raised again by `some`
            with self._ready:
                self._fault, self._awaited = error, 0
                self._ready.notify_all()

    def _answer(self, item: Item) -> Answer | OciError:
        self._budget.wait()
        try:
            return self._ask(item)
        except OciError as error:
            return error

    def _next(self) -> _Slot[Item, Answer] | None:
        with self._room:
            self._room.wait_for(lambda: not self._items or len(self._begun) < self._ahead)
            if not self._items or self._working > self._budget.at_once:
                self._working -= 1
                return None
            slot = _Slot[Item, Answer](self._items.popleft())
            self._begun.append(slot)
            return slot

    def _done(self, slot: _Slot[Item, Answer]) -> None:
        with self._ready:
            slot.is_done = True
            self._awaited = 0 if self._error_of(slot.answer) else self._awaited - 1
            if self._awaited <= 0:
                self._ready.notify_all()
