"""Work that the machines of a Dask cluster share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from estate.core.errors import SettingsError, StoreError

_Made = TypeVar("_Made")
_WAIT_SECONDS = 20
_TRIES_AGAIN = 3


def each_on_cluster(
    address: str, function: Callable[..., _Made], work: Sequence[tuple[Any, ...]]
) -> Iterator[tuple[int, _Made]]:
    """Have the workers call a function with each of some arguments; yields position and result as they come.

    A worker that dies has its share done by another one. Each needs this package, at the same version, and a
    way to the database.

    Parameters
    ----------
    address : str
        Of the scheduler.
    function : callable
        Sent once to each worker.
    work : sequence of tuple

    Raises
    ------
    SettingsError
        If Dask is not installed.
    StoreError
        If the scheduler does not answer, or workers die one after the other.
    """
    try:
        from distributed import Client, as_completed
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise SettingsError(
            "setting LEADLOOP_DASK",
            expected="the package distributed",
            got="none",
            todo="Install it: pip install 'leadloop[dask]'.",
        ) from error
    try:
        client = Client(address, timeout=_WAIT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        got = str(error).splitlines()[0] if str(error) else "none"
        raise StoreError(
            f"Dask scheduler {address}", expected="an answer", got=got, todo="Is LEADLOOP_DASK right?"
        ) from error
    with client:
        sent = client.scatter(function, broadcast=True, hash=False)
        position = {
            client.submit(_call, sent, *some, pure=False, retries=_TRIES_AGAIN): number
            for number, some in enumerate(work)
        }
        for future in as_completed(list(position), loop=client.loop):
            try:
                made = future.result()
            except KilledWorker as error:
                raise StoreError(
                    f"Dask cluster {address}",
                    expected="workers that stay",
                    got="one that died again and again",
                ) from error
            yield position.pop(future), made
            future.release()


def _call(function: Callable[..., _Made], *some: Any) -> _Made:
    return function(*some)
