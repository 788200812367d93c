"""The games that a GAN can play, with what their numbers mean."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from minigen.models.gan import HINGE, LEAST_SQUARES, LOGISTIC, WASSERSTEIN, Game


@dataclass(frozen=True)
class Rules:
    """A game, and how its values are named.

    Args:
        game: the losses of both players.
        unit: of both losses.
        said: the name of what D says of an example.
        undecided: D's loss where it cannot tell data from samples, and the name of that.
        probability: D says a probability.
    """

    game: Game
    unit: str
    said: str
    undecided: tuple[float, str]
    probability: bool = False


GAMES: Mapping[str, Rules] = {
    "logistic": Rules(
        LOGISTIC, "nats", "D", (2 * math.log(2), "2 log 2: D = 1/2"), probability=True
    ),
    "least-squares": Rules(LEAST_SQUARES, "squared error", "D", (0.5, "1/2: D = 1/2")),
    "hinge": Rules(HINGE, "margins", "score", (2.0, "2: D cannot tell")),
    "wasserstein": Rules(WASSERSTEIN, "units of the score", "score", (0.0, "0: D cannot tell")),
}
