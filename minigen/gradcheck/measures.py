"""Two measures of a derivative that need no backward pass, and what is known of their trust."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from minigen.backend import Array

COMPLEX_STEP = 1e-30
DIFFERENCE_STEP = 1e-5

Variables = Mapping[str, Array]
Scalar = Callable[[Variables], complex]


def complex_step(scalar: Scalar, variables: Variables, name: str) -> np.ndarray:
    """The derivative of a scalar by each entry of a variable."""
    values = {key: array.astype(np.complex128) for key, array in variables.items()}
    measured = np.zeros(values[name].shape)
    for index, moved in _entries(values[name]):
        moved(1j * COMPLEX_STEP)
        measured[index] = scalar(values).imag / COMPLEX_STEP
    return measured


def central_differences(
    scalar: Scalar, variables: Variables, name: str, h: float = DIFFERENCE_STEP
) -> tuple[np.ndarray, np.ndarray]:
    """The same, and how far the slopes on both sides of each entry are apart."""
    values = {key: array.copy() for key, array in variables.items()}
    centre = scalar(values).real
    measured = np.zeros(values[name].shape)
    bends = np.zeros(values[name].shape)
    for index, moved in _entries(values[name]):
        moved(h)
        right = scalar(values).real
        moved(-h)
        left = scalar(values).real
        measured[index] = (right - left) / (2 * h)
        bends[index] = abs(right - 2 * centre + left) / h
    return measured, bends


def _entries(array: Array) -> Iterator[tuple[tuple[int, ...], Callable[[complex], None]]]:
    """Each index with a function that moves this entry off its value; it returns by itself."""
    for index in np.ndindex(array.shape):
        value = array[index].copy()

        def moved(step: complex, index: tuple[int, ...] = index, value: Array = value) -> None:
            array[index] = value + step

        yield index, moved
        array[index] = value
