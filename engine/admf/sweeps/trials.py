"""From rows of the space to what the kernels run: strategy records, settings, keys, and what is wrong with a trial."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from admf.errors import ConfigError
from admf.models import Problems, nearest
from admf.run.compiled import CONTEXT
from admf.strategy import TYPES, wrong_value
from admf.sweeps.settings import SECTIONS, Rules, Settings
from admf.sweeps.space import Places, Space
from admf_kernels._jit import fingerprint
from admf_kernels.batch import run_many

if TYPE_CHECKING:
    from admf.data import Market
    from admf.strategy import CompiledStrategy

KEY_BYTES = 16
Keys = NDArray[np.void]  # one of KEY_BYTES for each trial


@dataclass(eq=False)
class Chunk:
    """Trials that run in one call: all of one group, and all in lanes or none."""

    rows: Places
    keys: list[bytes]
    group: int
    settings: NDArray[np.int32]
    strategies: NDArray[np.record]
    lanes: bool = False

    def part(self, chosen: Places, strategies: NDArray[np.record]) -> "Chunk":
        """Some of the trials for the order engine; `strategies` are all records as they were before a run."""
        keys = [self.keys[index] for index in chosen]
        return Chunk(self.rows[chosen], keys, self.group, self.settings[chosen], strategies[chosen])


@dataclass(eq=False)
class Refused:
    """Trials that cannot run, with the reason of each."""

    rows: list[int]
    keys: list[bytes]
    errors: list[str]


class Trials:
    """All trials of a sweep, made on demand."""

    def __init__(self, market: "Market", strategy: "CompiledStrategy", space: Space, rules: Rules) -> None:
        """ConfigError that lists every axis that cannot be one."""
        self.market, self.strategy, self.space, self.rules = market, strategy, space, rules
        kinds = {name: kind for name, kind in strategy.fields().items() if not name.startswith("_")}
        problems = Problems()
        columns: dict[int, NDArray[Any]] = {}
        axes = {}
        for index, axis in enumerate(space.axes):
            if axis.name.partition(".")[0] in SECTIONS and "." in axis.name:
                axes[index] = axis
                continue
            with problems.collect():
                columns[index] = parameter_values(axis.name, axis.values, kinds, type(strategy).__name__)
        with problems.collect():
            self.settings = Settings(market, strategy, rules, axes)
        problems.raise_any("grid")
        self._columns = columns
        self._base = self._base_key()
        self._check = getattr(strategy, "check", None) and type(strategy)

    def _base_key(self) -> bytes:
        kind = type(self.strategy)
        code = fingerprint(run_many, dict(sorted(kind.hooks().items())), (CONTEXT,))
        parts = (self.market.fingerprint, kind.__name__, kind.orders_per_bar_max, code)
        return hashlib.sha256(repr(parts).encode()).digest()

    @property
    def code_digest(self) -> str:
        """Of strategy, kernels and data: a study of another one is another study."""
        return self._base.hex()

    def parts(self, rows: Places) -> Iterator[Chunk | Refused]:
        """The trials of `rows`, those that can run by group."""
        places = self.space.places_of(rows)
        settings = self.settings.numbers(places)
        known = self.settings.known
        groups = np.array([setting.group for setting in known], np.int32)[settings]
        lanes = np.array([setting.lanes for setting in known], np.bool_)[settings]
        keys: list[bytes] = [b""] * len(rows)
        errors = self._errors(places)
        for group, laned in sorted(set(zip(groups.tolist(), lanes.tolist(), strict=True))):
            chosen = np.flatnonzero((groups == group) & (lanes == laned))
            records, chosen_keys = self._records(places, settings, chosen, group)
            for index, key in zip(chosen.tolist(), chosen_keys, strict=True):
                keys[index] = key
            if group < 0:
                errors |= {int(index): known[settings[index]].error for index in chosen}
                continue
            runs = np.array([index not in errors for index in chosen.tolist()], np.bool_)
            kept = chosen[runs]
            if len(kept):
                kept_keys = [keys[index] for index in kept]
                yield Chunk(rows[kept], kept_keys, int(group), settings[kept], records[runs], laned)
        if errors:
            bad = sorted(errors)
            yield Refused(rows[bad].tolist(), [keys[index] for index in bad], [errors[index] for index in bad])

    def keys(self, rows: Places) -> list[bytes]:
        """The keys of trials: equal keys give equal results."""
        places = self.space.places_of(rows)
        settings = self.settings.numbers(places)
        groups = np.array([setting.group for setting in self.settings.known], np.int32)[settings]
        keys: list[bytes] = [b""] * len(rows)
        for group in np.unique(groups):
            chosen = np.flatnonzero(groups == group)
            for index, key in zip(chosen, self._records(places, settings, chosen, int(group))[1], strict=True):
                keys[index] = key
        return keys

    def _records(
        self, places: Places, settings: NDArray[np.int32], chosen: Places, group: int
    ) -> tuple[NDArray[np.record], list[bytes]]:
        """Strategy records of the chosen trials, and the keys."""
        known = self.settings.known
        dtype = self.settings.groups[group].strategy.dtype if group >= 0 else self.strategy.record().dtype
        starts = self.strategy.record().tobytes()
        numbers, inverse = np.unique(settings[chosen], return_inverse=True)
        rows = np.stack([np.frombuffer(known[number].strategy or starts, np.uint8) for number in numbers])[inverse]
        records: NDArray[np.record] = rows.reshape(-1).view(dtype)
        for index, values in self._columns.items():
            records[self.space.axes[index].name] = values[places[index, chosen]]
        digests = [self._base + (known[number].digest or known[number].error.encode()) for number in numbers]
        width = dtype.itemsize
        data = records.view(np.uint8).tobytes()
        blake2b = hashlib.blake2b
        keys = [
            blake2b(digests[place] + data[start : start + width], digest_size=KEY_BYTES).digest()
            for place, start in zip(inverse.tolist(), range(0, len(data), width), strict=True)
        ]
        return records, keys

    def _errors(self, places: Places) -> dict[int, str]:
        """What `check` of the strategy says about each trial, by index."""
        if not self._check:
            return {}
        probe = object.__new__(self._check)
        for name, value in self.strategy.parameters.items():
            setattr(probe, name, value)
        found = {}
        columns = [
            (self.space.axes[index].name, values[places[index]].tolist()) for index, values in self._columns.items()
        ]
        for index in range(places.shape[1]):
            for name, values in columns:
                setattr(probe, name, values[index])
            try:
                probe.check()  # type: ignore[attr-defined]  # defined by this class
            except ValueError as error:
                found[index] = f"{self._check.__name__}: {error}; found {probe.parameters}"
        return found

    def strategy_of(self, row: int) -> "CompiledStrategy":
        """The strategy of one trial."""
        changes = {name: value for name, value in self.space.values_of(row).items() if not is_setting(name)}
        return type(self.strategy)(**self.strategy.parameters | changes)

    def rules_of(self, row: int) -> Rules:
        """The rules of one trial."""
        number = int(self.settings.numbers(self.space.places_of(np.array([row])))[0])
        setting = self.settings.known[number]
        if setting.rules is None:
            raise ConfigError(setting.error, field=f"row {row}")
        return setting.rules


def is_setting(name: str) -> bool:
    """Whether an axis is a field of the rules, not a parameter of the strategy."""
    section, dot, _ = name.partition(".")
    return bool(dot) and section in SECTIONS


def parameter_values(name: str, values: tuple[Any, ...], kinds: dict[str, type[Any]], title: str) -> NDArray[Any]:
    """The values of a parameter as the record holds them; ConfigError for an unknown name or a wrong value."""
    if name not in kinds:
        allowed = ", ".join(kinds) or "none"
        sections = ", ".join(f"{section}.*" for section in SECTIONS)
        raise ConfigError(
            f"no parameter of {title}",
            field=f"grid.{name}",
            found=name,
            allowed=f"{allowed}; {sections}",
            remedy=nearest(name, kinds),
        )
    problems = Problems()
    for value in values:
        if problem := wrong_value(name, value, kinds[name]):
            problems.add(ConfigError(problem, field=f"grid.{name}"))
    problems.raise_any("grid")
    return np.array([kinds[name](value) for value in values], TYPES[kinds[name]])
