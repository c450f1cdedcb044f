"""Where the backtests of a sweep run: processes of this machine, or a Dask cluster."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

LOCAL = "local"
_CONNECT_S = 10


class NoCluster(Exception):
    """There is no such cluster to run on; the text (Korean) says why."""


@contextmanager
def sweep_executor(*, workers: int | None, dask: str | None) -> Iterator[Executor]:
    """Processes, started afresh so that none inherits a thread in the middle of something; or
    with `dask` the cluster at that address (`local`: one of this machine's, made and ended
    here). What has not begun when the block is left is dropped. Raises NoCluster."""
    count = workers or os.cpu_count() or 1
    if dask is not None:
        with _dask_executor(dask, workers=count) as executor:
            yield executor
        return
    pool = ProcessPoolExecutor(
        max_workers=count,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=leave_interrupts_to_the_parent,
    )
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches every process of the terminal; the parent alone decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _dask_executor(address: str, *, workers: int) -> Iterator[Executor]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise NoCluster("Dask가 설치되어 있지 않습니다. 설치: sh setup.sh --dev") from error
    if address == LOCAL:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        )
        with cluster, Client(cluster) as client:
            yield client.get_executor()
        return
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise NoCluster(f"Dask 클러스터에 연결할 수 없습니다: {address} ({error})") from error
    with client:
        yield client.get_executor()
