"""mpiexec, where there is one: that of the package beside this Python, or the machine's."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PLACES = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
MPIEXEC = shutil.which("mpiexec", path=PLACES)
TOGETHER = {  # what Open MPI asks of root, and where there are fewer cores than ranks
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}


def is_mpich() -> bool:
    """Whether this mpiexec is MPICH's, which tells ranks of a signal."""
    assert MPIEXEC
    said = subprocess.run([MPIEXEC, "--version"], capture_output=True, text=True, check=True)
    return "HYDRA" in said.stdout


def training(*arguments: object, before: str = "") -> list[str]:
    """`python -m minigen.train`, after some lines of Python that a fault needs."""
    words = list(map(str, arguments))
    if not before:
        return [sys.executable, "-m", "minigen.train", *words]
    code = f"import sys; {before}; from minigen.train import main; sys.exit(main())"
    return [sys.executable, "-c", code, *words]


def start(*commands: Sequence[str]) -> subprocess.Popen[str]:
    """Start a rank for each of these commands."""
    assert MPIEXEC
    words = [MPIEXEC]
    for i, command in enumerate(commands):
        words += [":"] * (i > 0) + ["-n", "1", *command]
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **TOGETHER},
    )


def finished(process: subprocess.Popen[str], seconds: float = 60) -> tuple[int, str, list[str]]:
    """Status, output, and the lines on stderr that are minigen's; the launcher adds its own."""
    out, err = process.communicate(timeout=seconds)
    ours = [line for line in err.splitlines() if line.startswith(("minigen:", "rank "))]
    assert "Traceback" not in err
    return process.returncode, out, ours


def ranks(word: str) -> list[int]:
    """The processes of Python with this word among theirs, by Linux's /proc."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_text().split("\0") if entry.name.isdigit() else []
        except OSError:  # it has just ended
            continue
        if word in words and words[0] == sys.executable:
            found.append(int(entry.name))
    return sorted(found)


def gone(word: str, seconds: float) -> bool:
    """Whether all processes of this run end within so many seconds; others are killed."""
    end = time.monotonic() + seconds
    while left := ranks(word):
        if time.monotonic() > end:
            for process in left:
                os.kill(process, signal.SIGKILL)
            return False
        time.sleep(0.05)
    return True
