"""Modules: anything with parameters, which are a flat mapping of arrays by dotted name.

    vae.params["encoder.0.weight"] -= 0.1 * grads["encoder.0.weight"]
    twin = vae.with_params(arrays)

Optimizers change the arrays in place; `with_params` builds the same module over others.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Self

from minigen.backend import Array
from minigen.errors import MinigenError

Params = dict[str, Array]


class Parameters(Mapping[str, Array]):
    """Parameters by name, as in PyTorch's state_dict: the arrays may change, the names keep them.

    Raises:
        MinigenError: another array is put under a name. A module made of parts would not see it.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._arrays = dict(arrays)

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __setitem__(self, name: str, array: Array) -> None:
        if array is not self._arrays.get(name):  # it is where `params[name] -= step` ends
            raise MinigenError(
                f"params[{name!r}] = ... would not reach the model; change the array in place, "
                "params[name][...] = array, or build another model by with_params(arrays)"
            )

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in self.items())
        return f"Parameters({shapes})"


class Module:
    """Anything with parameters.

    Optimizers update these arrays in place. To put other arrays in their stead (another dtype,
    another device, the content of a file) use `with_params`.
    """

    def __init__(self, params: Mapping[str, Array] | None = None) -> None:
        self._params = Parameters(params or {})

    @property
    def params(self) -> Parameters:
        """The arrays by name."""
        return self._params

    @property
    def n_parameters(self) -> int:
        """The number of values in all parameters."""
        return sum(array.size for array in self.params.values())

    @property
    def outline(self) -> str:
        """The module in short, as the repr of a larger one shows it."""
        return repr(self)

    def with_params(self, params: Mapping[str, Array]) -> Self:
        """Build the same module over these parameters; this one keeps its own.

        Raises:
            MinigenError: the names or the shapes differ from those of `self.params`.
        """
        expected = {name: array.shape for name, array in self.params.items()}
        found = {name: array.shape for name, array in params.items()}
        if expected != found:
            name = min(dict(expected.items() ^ found.items()))
            raise MinigenError(
                f"parameter {name!r} of {type(self).__name__}: expected "
                f"{expected.get(name, 'nothing')}, got {found.get(name, 'nothing')}; pass one "
                "array of the same shape for every name in .params"
            )
        return self._over(params)

    def _over(self, params: Mapping[str, Array]) -> Self:
        """Build the same module over these parameters, which fit."""
        twin = copy.copy(self)
        twin._params = Parameters(params)
        return twin

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Composite(Module):
    """A module made of parts: its attributes that are modules, in the order of their assignment.

    Its parameters are those of the parts, under dotted names.
    """

    @property
    def parts(self) -> dict[str, Module]:
        """The parts by name."""
        return {name: part for name, part in vars(self).items() if isinstance(part, Module)}

    @property
    def params(self) -> Parameters:
        """The arrays of all parts, under dotted names."""
        named = (prefixed(name, part.params) for name, part in self.parts.items())
        return Parameters({name: array for params in named for name, array in params.items()})

    def _over(self, params: Mapping[str, Array]) -> Self:
        twin = copy.copy(self)
        for name, part in self.parts.items():
            own = {key: params[f"{name}.{key}"] for key in part.params}
            vars(twin)[name] = part._over(own)
        return twin

    @property
    def outline(self) -> str:
        """The parts that learn, such as "encoder 784-400-40, decoder 20-400-784"."""
        learning = {name: part for name, part in self.parts.items() if part.params}
        return ", ".join(f"{name} {part.outline}" for name, part in learning.items())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.outline}; {self.n_parameters:,} parameters)"


def prefixed(name: str, params: Mapping[str, Array]) -> Params:
    """The same arrays under dotted names: "weight" becomes "name.weight"."""
    return {f"{name}.{key}": array for key, array in params.items()}
