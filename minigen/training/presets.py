"""Options of whole experiments, by system and name, as words of the command line.

tutorials/results.md says what comes out, and how the experiments differ from the published ones.
"""

_IWAE = (
    "--hidden 200,200 --latent-dim 50 --activation tanh --init glorot --binarize --adam-eps 1e-4"
)


def _falling(epochs: int) -> str:
    """A high learning rate, and from 4/15 of the epochs on ten steps down to 1 % of it."""
    milestones = ",".join(str((40 + 11 * i) * epochs // 150) for i in range(10))
    return f"--lr 3e-3 --epochs {epochs} --milestones {milestones} --gamma {10**-0.2}"


PRESETS = {
    "vae": {
        # Burda et al. 2015, section 5: 3^i passes at 10^(-i/7) of the first rate, i = 0..7
        "iwae-2015": f"{_IWAE} --batch-size 20 --lr 1e-3 --epochs 3280"
        f" --milestones 1,4,13,40,121,364,1093 --gamma {10 ** (-1 / 7)}",
        "iwae-30": f"{_IWAE} --batch-size 100 {_falling(30)}",
        "iwae-300": f"{_IWAE} --batch-size 100 {_falling(300)}",
        "iwae-900": f"{_IWAE} --batch-size 100 {_falling(900)}",
    },
    "gan": {
        "modes": "--latent-dim 2 --batch-size 256 --lr 1e-3 --discriminator-lr 1e-3 --smoothing 0"
        " --averaging 0.999 --epochs 60 --milestones 30,40,50 --gamma 0.3",
    },
}
