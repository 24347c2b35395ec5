"""Trials drawn from a space: `random` and `sobol`, the same ones for the same seed.

A space maps parameters to what they are drawn from: a pair (low, high) of numbers, whole ones where both are, or a list
of values. `admf.sweep(market, strategy, admf.samplers.sobol({"fast": (5, 50), "slow": (60, 400)}, trials=4096))`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from admf.errors import ConfigError
from admf.models import Problems

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRIALS_MAX = 100_000_000
SOBOL_BITS_MAX = 30


@dataclass(frozen=True)
class Sampler:
    """Points of a space: `method` is random or sobol."""

    space: Any  # parameter -> (low, high) or a list
    trials: Any
    seed: int
    method: str

    def __post_init__(self) -> None:
        problems = Problems()
        if isinstance(self.trials, bool) or not isinstance(self.trials, int) or not 1 <= self.trials <= TRIALS_MAX:
            allowed = f"a whole number from 1 to {TRIALS_MAX:,}"
            problems.add(ConfigError("not a number of trials", field="trials", found=self.trials, allowed=allowed))
        if not isinstance(self.space, Mapping) or not self.space:
            allowed = "parameter: (low, high) or a list of values"
            problems.add(ConfigError("not a space", field="space", found=self.space, allowed=allowed))
        else:
            for name, drawn in self.space.items():
                with problems.collect():
                    check_drawn(drawn, f"space.{name}")
        problems.raise_any(self.method)

    def columns(self) -> dict[str, list[Any]]:
        """The drawn values by parameter, `trials` of each."""
        points = self._points()
        return {name: spread(points[:, axis], drawn) for axis, (name, drawn) in enumerate(self.space.items())}

    def _points(self) -> "NDArray[np.float64]":
        import numpy as np

        axes = len(self.space)
        if self.method == "random":
            return np.random.default_rng(self.seed).random((self.trials, axes))
        from scipy.stats import qmc

        exponent = max(0, math.ceil(math.log2(self.trials)))  # its points are balanced in powers of 2
        if exponent > SOBOL_BITS_MAX:
            raise ConfigError("too many points", field="trials", found=self.trials, allowed=f"{2**SOBOL_BITS_MAX:,}")
        made: NDArray[np.float64] = qmc.Sobol(axes, scramble=True, rng=self.seed).random_base2(exponent)
        return made[: self.trials]


def random(space: Mapping[str, Any], trials: int, seed: int = 0) -> Sampler:
    """Independent points; ConfigError for a space that is none."""
    return Sampler(space, trials, seed, "random")


def sobol(space: Mapping[str, Any], trials: int, seed: int = 0) -> Sampler:
    """Scrambled Sobol points, which cover a space evenly; needs SciPy. Powers of two are best."""
    if find_spec("scipy") is None:
        remedy = "pip install 'admf-engine[sobol]', or draw with admf.samplers.random"
        raise ConfigError("sobol needs SciPy, which is not installed", field="sobol", remedy=remedy)
    return Sampler(space, trials, seed, "sobol")


def is_number(value: object) -> bool:
    """A finite number that is no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_drawn(drawn: Any, field: str) -> None:
    """A pair of ascending numbers, or a list of values."""
    if isinstance(drawn, tuple) and len(drawn) == 2 and all(map(is_number, drawn)):
        if not drawn[0] < drawn[1]:
            raise ConfigError("not ascending", field=field, found=drawn, allowed="(low, high) with low < high")
    elif not isinstance(drawn, list) or not drawn:
        allowed = "(low, high), or a list of values"
        raise ConfigError("nothing to draw from", field=field, found=drawn, allowed=allowed)


def spread(points: "NDArray[np.float64]", drawn: Any) -> list[Any]:
    """Points of [0, 1) as values; of whole bounds each number is equally likely, both ends included."""
    if isinstance(drawn, list):
        return [drawn[min(int(point * len(drawn)), len(drawn) - 1)] for point in points.tolist()]
    low, high = drawn
    if isinstance(low, int) and isinstance(high, int):
        return [min(low + int(point * (high - low + 1)), high) for point in points.tolist()]
    return [low + point * (high - low) for point in points.tolist()]
