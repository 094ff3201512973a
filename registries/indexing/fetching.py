"""Asking the network from a few threads while one thread writes; no thread of these touches the database."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from itertools import islice
from types import TracebackType
from typing import Self

from registries.budgets import Budget
from registries.oci.errors import OciError, RegistryError

AHEAD = 4  # answers a worker may be ahead of the writing
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

        def guarded(item: Item) -> Answer | OciError:
            try:
                with self._budget.gate:
                    self._budget.wait()
                    return ask(item)
            except OciError as error:
                return error

        rest = iter(items)
        waiting = deque((item, self._pool.submit(guarded, item)) for item in islice(rest, AHEAD * self._workers))
        while waiting:
            item, future = waiting.popleft()
            answer = self._wait_for(future)
            waiting.extend((later, self._pool.submit(guarded, later)) for later in islice(rest, 1))
            self._watch(answer if isinstance(answer, OciError) else error_in(answer))
            yield item, answer

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

    def _wait_for[Answer](self, future: Future[Answer]) -> Answer:
        while True:
            self._tick()
            try:
                return future.result(timeout=1)
            except NotYetError:
                if future.done():
                    raise  # our own code's TimeoutError, which nobody foresaw
