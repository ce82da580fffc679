"""Work on threads, whose results come back in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_WINDOW = 4  # items in flight for each worker: enough to hide a slow one


def in_order(work: Callable[[T], R], items: Iterable[T], workers: int) -> Generator[tuple[T, R]]:
    """Each item with what ``work`` makes of it, in the order of ``items``.

    A few items a worker are under way while the consumer holds a result; nothing is begun any more once the
    consumer closes this or an exception passes.
    """
    pool = ThreadPoolExecutor(workers, "fastload")
    pending: deque[tuple[T, Future[R]]] = deque()
    try:
        for item in items:
            pending.append((item, pool.submit(work, item)))
            if len(pending) >= workers * _WINDOW:
                done, future = pending.popleft()
                yield done, future.result()
        for done, future in pending:
            yield done, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
