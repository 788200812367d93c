"""The faults: what a user can do wrong, or a machine, and what the user gets.

In general: exit status 0 is success; 2 bad arguments, before any file or folder is made; 1 bad
data, files, devices or numbers; 130 after Ctrl-C and 143 after SIGTERM. On stderr stands one line,
`minigen: error: <what, with the value and the file>; <what to do>`, without a traceback. Earlier
results are never damaged. A Python caller gets a MinigenError, which is a ValueError.

A test that proves a row names it, `@pytest.mark.fault("lr")`; test_rows.py counts them.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """A fault, and in brackets the exit status that is expected."""

    fault: str
    expected: str


ARGUMENTS = {
    "latent-dim": Row(
        "--latent-dim 0, -1, 2.5, abc",
        "[2] must be a whole number of at least 1; no folder is made",
    ),
    "empty name": Row("--out '', --resume ''", "[2] name a folder; no run is started"),
    "new or resumed": Row("--resume beside --out, --overwrite or --preset", "[2] not allowed"),
    "latent-dim of a billion": Row(
        "--latent-dim 1000000000",
        "[2] or [1] within a second: needs about so many GB; no bare MemoryError",
    ),
    "hidden": Row("--hidden 400,0, or with another bad item", "[2] names the item"),
    "lr": Row("--lr 0, -0.001, nan, inf", "[2]"),
    "counts and weights": Row(
        "--epochs -1, 1e3; --batch-size 0, -5; --beta -1, nan",
        "[2]",
    ),
    "batch above the data": Row(
        "--batch-size above the number of rows",
        "one smaller batch and a warning with both numbers; never zero steps",
    ),
    "last batch": Row("the last batch is smaller", "it is used, and means are over rows"),
    "unknown name": Row(
        "an unknown model, data set or option",
        "[2] lists the choices and suggests the nearest",
    ),
    "no CuPy": Row(
        "--backend cupy without CuPy, or with CuPy and no GPU",
        "[1] says which of the two, and --backend numpy",
    ),
    "GPU memory": Row(
        "GPU memory runs out",
        "[1] a smaller --batch-size; the last checkpoint is kept",
    ),
}

DATA = {
    "no file": Row(
        "missing, a folder, unreadable, or no regular file",
        "[1] with the path; never hangs on a FIFO",
    ),
    "not NumPy": Row("an empty file, text, HTML named .npz", "[1] not a NumPy file"),
    "damaged": Row("a truncated or bit-flipped .npy, .npz or IDX", "[1] damaged or incomplete"),
    "pickle": Row("pickled objects", "[1] refused; nothing is executed"),
    "bomb": Row(
        "a header that declares terabytes; a small archive that expands to gigabytes",
        "[1] at once; memory stays small",
    ),
    "larger than memory": Row(
        "an .npy file larger than memory",
        "it is mapped; what that means for the test rows is said; memory stays small",
    ),
    "NaN": Row("NaN or infinity", "[1] where the first one is, and how many"),
    "uint8": Row("pixels 0..255 as uint8", "scaled, and said"),
    "small uint8": Row(
        "uint8 that need not be pixels: 0 and 1, 0..16",
        "[1] names the range, and the --scale of each reading; never divided by 255 unasked",
    ),
    "range": Row(
        "pixels 0..255 as floats, or negative values",
        "[1] names the range, the split, the first row and a remedy that loses nothing; never a "
        "silently absurd cross-entropy",
    ),
    "moved": Row(
        "a run's data that were moved, or named from another working directory",
        "[1] names the run and the place, and --resume RUN --data PLACE, which asks for the same "
        "rows; paths are stored absolute",
    ),
    "shape": Row(
        "wrong width; (N, 28, 28), (N, 1, 28, 28), (N, 32, 32, 3)",
        "[1] found and expected; images are flattened, and it is said",
    ),
    "few rows": Row("no rows; constant data; one row", "[1], or finite"),
    "dtype": Row(
        "float64, float16, big-endian, Fortran order, bool, int",
        "the same as the converted float array, or [1]",
    ),
    "several sets": Row(
        "a folder that holds two data sets, or one twice and not the same",
        "[1] names both, and the --data of one",
    ),
    "table": Row(
        "a .csv with text, missing values, lines of different lengths, or no line ends",
        "[1] names the line, the column and the value",
    ),
    "images": Row(
        "a folder of images of different sizes, damaged, huge, or of 16 bits",
        "[1] names the file, and the size of each",
    ),
    "IDX": Row(
        "IDX: bad magic, cut gzip, labels given as images, counts that differ",
        "[1] names the problem",
    ),
}

TRAINING = {
    "NaN loss": Row(
        "the loss becomes NaN (--lr 1e6)",
        "[1] at that step: loss is nan at epoch 2 step 31, a lower --lr; the last finite "
        "checkpoint is kept, and none with NaN is written",
    ),
    "first loss": Row(
        "a loss that is infinite before any update (--beta 1e38, data of 1e30)",
        "[1] at that step, and what may help: rescaled data, milder options",
    ),
    "saturated": Row(
        "a discriminator that is perfectly sure, a saturated sigmoid",
        "a finite loss and the right gradient",
    ),
    "caller's arrays": Row(
        "arrays that are read-only, reversed or in Fortran order",
        "never modified, and the same result",
    ),
    "Ctrl-C": Row(
        "Ctrl-C in an epoch",
        "[130] within a second: stopped at epoch 3, saved to ...; --resume goes on",
    ),
    "SIGTERM": Row("SIGTERM", "[143] the same"),
    "plain output": Row(
        "no terminal, TERM=dumb, stdout closed by head",
        "plain lines, no traceback",
    ),
    "odd shell": Row(
        "a closed stderr, a stdout that cannot encode a name, a notebook's MPLBACKEND",
        "no bar; the name with backslashes; figures all the same",
    ),
    "stop while drawing": Row(
        "Ctrl-C or SIGTERM after the last epoch, while figures are drawn",
        "[130, 143] --resume draws them",
    ),
    "full output": Row("stdout on a full disk", "[1] one line, also from a short command"),
}

OUTPUT = {
    "not writable": Row(
        "the output folder cannot be written, or is a file",
        "[1] before training starts",
    ),
    "run exists": Row(
        "a run is there already",
        "[1] refused without --resume or --overwrite",
    ),
    "kill": Row(
        "kill -9 at any moment, 60 times in a row while saving",
        "always a loadable checkpoint; leftovers are removed at the next start",
    ),
    "full disk": Row(
        "the disk fills while training, or while drawing",
        "[1] names the file; the last checkpoint is kept, and --resume goes on",
    ),
    "cannot resume": Row(
        "--resume: no checkpoint, another architecture, model or data",
        "[1] names both; nothing is overwritten",
    ),
    "figures gone": Row("--resume of a run without its folder figures", "it is made anew"),
    "resume": Row(
        "--resume after 5 of 10 epochs",
        "bit-identical with the uninterrupted run",
    ),
    "foreign checkpoint": Row(
        "a checkpoint truncated, flipped, foreign, with a missing, extra, transposed or short "
        "tensor, of a newer format",
        "[1] names the tensor, expected and found",
    ),
    "2,000 damages": Row(
        "2,000 random damages of a checkpoint",
        "only two outcomes: it loads identically, or the one error",
    ),
    "missing run": Row("sample from a missing run; --count 0, -1", "[1]; [2]"),
}

RANKS = {
    "rank dies": Row(
        "kill -9 of one of the processes that mpiexec has started, or an error on it alone",
        "all are gone within seconds, with one line; the last checkpoint is whole",
    ),
    "ranks differ": Row(
        "other versions, options or rows on one rank; a processor that computes otherwise",
        "[1] names what differs, and both; before the run folder is touched, or after the epoch",
    ),
    "fewer rows than ranks": Row("batches without a row for each rank", "[1] both numbers"),
    "no MPI": Row(
        "mpiexec without mpi4py, or of another MPI than mpi4py's",
        "one line for all ranks; nobody waits for ever",
    ),
    "stopped ranks": Row("Ctrl-C or SIGTERM to mpiexec", "[130, 143] as for one process, once"),
}

ROWS = ARGUMENTS | DATA | TRAINING | OUTPUT | RANKS
