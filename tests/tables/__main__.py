"""Makes the tables of tutorials/results.md: trains and judges what they need, and writes them.

python -m tests.tables vae linear           # goes on where it was stopped
python -m tests.tables modes --jobs 2       # two runs at a time
python -m tests.tables iwae --print         # the commands, and nothing else
python -m tests.tables                      # the page alone, from the files in tutorials/results
"""

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.tables import page, runner
from tests.tables.experiments import PARENT, TABLES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tables",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help=", ".join(TABLES))
    add("--runs", type=Path, default=PARENT, metavar="DIR", help=f"run folders, default {PARENT}")
    add("--jobs", type=int, default=1, metavar="N", help="runs at a time")
    add("--again", action="store_true", help="judge again what has been judged")
    add("--print", action="store_true", help="print the commands")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in TABLES]:
        parser.error(f"no table {unknown[0]}; there are {', '.join(TABLES)}")
    if options.print:
        for name in options.names:
            for run in TABLES[name].runs:
                print(run.train(options.runs), run.evaluate(options.runs), sep="\n")
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the runs hear of it
    options.runs.mkdir(parents=True, exist_ok=True)
    page.write()
    try:
        for name in options.names:
            document = runner.make(name, options.runs, options.jobs, options.again)
            page.results(name).write_text(json.dumps(document, indent=2) + "\n")
            page.write()
    except (subprocess.CalledProcessError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
