"""Manners of a command that a launcher such as mpiexec has started as many processes: one of them
speaks, and all end together.
"""

import io
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

from minigen.training.ranks import launched
from minigen.workshop.process import FAILED, TERMINATED

PATIENCE = 1.0  # seconds that rank 0 has to say what is wrong on all ranks
HEARD = 0.2  # seconds until the launcher has read it: some lose what they have not, when all ends
LAST_WAIT = 5  # seconds from a signal until a rank stops by itself


def together(main: Callable[[], int]) -> int:
    """Run a command on this rank and return its exit status; where it fails, end all ranks.

    Rank 0 prints. The others print an error only if rank 0 has none to tell: what is wrong on all
    of them is one line, and so is what is wrong on one.
    """
    rank, size = launched()
    if size == 1:
        return main()
    said = sys.stderr if rank == 0 else io.StringIO()
    try:
        with open(os.devnull, "w") as nowhere:
            printed = nowhere if rank else sys.stdout
            with redirect_stdout(printed), redirect_stderr(said):
                status = main()
    except SystemExit as end:
        if not end.code:  # after --help
            raise
        status = FAILED if isinstance(end.code, str) else end.code  # of bad arguments
    except BaseException:
        traceback.print_exc(file=said)
        status = FAILED
    if status:
        if isinstance(said, io.StringIO):
            time.sleep(PATIENCE + rank / 100)
            print(f"rank {rank}: {said.getvalue()}", end="", file=sys.stderr)
        _end_all(status)
    return status


def follow(rank: int) -> None:
    """Leave SIGINT and SIGTERM, which a launcher sends to all ranks, to rank 0: it says where the
    run was saved, and ends them all. If it has not within LAST_WAIT seconds, this rank ends, unless
    it waits in a sum for one that hangs.
    """

    def stop() -> None:
        print(f"rank {rank}: minigen: stopped", file=sys.__stderr__, flush=True)
        os._exit(TERMINATED)  # the launcher ends the others

    def wait(signum: int, frame: object) -> None:
        last = threading.Timer(LAST_WAIT, stop)
        last.daemon = True
        last.start()

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, wait)


def _end_all(status: int) -> None:
    """End all ranks with this status, even those that wait for this one in the middle of a sum."""
    sys.stdout.flush()
    sys.stderr.flush()
    time.sleep(HEARD)
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi and mpi.COMM_WORLD.size > 1:
        mpi.COMM_WORLD.Abort(status)
    # MPI has not begun here: the launcher would wait for it, but for a process that a signal ends.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
