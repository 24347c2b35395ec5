"""Rules, account and limits of the trials: each combination is cast once, whatever number of trials has it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from admf.data import Market
from admf.errors import AdmfError, ConfigError
from admf.execution import Account, Execution
from admf.execution.risk import Risk
from admf.execution.values import Value
from admf.models import Model, ModelKind, Problems, unknown_name
from admf.run.arguments import check_bad_bars
from admf.run.entry import Run
from admf.sweeps.allowed import market_allows, rules_allow, strategy_allows
from admf.sweeps.space import Axis, Places
from admf_kernels._jit import fingerprint
from admf_kernels.records import State

if TYPE_CHECKING:
    from admf.strategy import CompiledStrategy

SECTIONS: dict[str, type[Value]] = {"execution": Execution, "account": Account, "risk": Risk}
Words = NDArray[np.uint64]


def words_of(rows: NDArray[np.record]) -> Words:
    """Records as 64-bit words, shape (rows, words); no copy."""
    return rows.view(np.uint64).reshape(len(rows), -1)


@dataclass(frozen=True)
class Rules:
    """The values of one setting."""

    execution: Execution
    account: Account
    risk: Risk

    def changed(self, changes: Mapping[str, Any]) -> "Rules":
        """With the values of axes such as `execution.slippage.impact`; ConfigError where one is not allowed."""
        made: dict[str, Any] = {name: getattr(self, name) for name in SECTIONS}
        for name, value in sorted(changes.items(), key=lambda item: item[0].count(".")):  # a model before its numbers
            section, field_name, *rest = name.split(".")
            if rest:
                model: Model = getattr(made[section], field_name)
                value = model.replace(**{rest[0]: value})
            made[section] = made[section].replace(**{field_name: value})
        return Rules(**made)

    def digest(self) -> bytes:
        """Of the values and of the code of the user's laws."""
        laws = {slot: fingerprint(law) for slot, law in self.execution.user_laws().items()}
        values = (self.execution.to_dict(), laws, self.account.to_dict(), self.risk.to_dict())
        return hashlib.sha256(repr(values).encode()).digest()


@dataclass(eq=False)
class Group:
    """Trials that one compiled kernel and one table of fees serve."""

    run: Run
    opened: State
    strategy: NDArray[np.record]  # a row of it


@dataclass(eq=False)
class Setting:
    """One combination, cast; `error` says why it cannot run, and then nothing else is there."""

    rules: Rules | None = None
    error: str = ""
    group: int = -1
    lanes: bool = False  # whether its trials may run in lanes
    config: Words = field(default_factory=lambda: np.empty(0, np.uint64))
    account: Words = field(default_factory=lambda: np.empty(0, np.uint64))
    opening: Words = field(default_factory=lambda: np.empty(0, np.uint64))
    strategy: bytes = b""  # the row with which a trial begins
    digest: bytes = b""


class Settings:
    """All settings that were asked for so far."""

    def __init__(self, market: Market, strategy: "CompiledStrategy", base: Rules, axes: Mapping[int, Axis]) -> None:
        """`axes` by their index in the space; ConfigError that lists what no setting could have."""
        self._market, self._strategy, self._base = market, strategy, base
        self._axes = axes
        self.lanes = strategy_allows(strategy) and market_allows(market)
        self.base_lanes = self.lanes and rules_allow(base.execution, base.account, base.risk)  # of most trials
        self.known: list[Setting] = []
        self.groups: list[Group] = []
        self._by_places: dict[bytes, int] = {}
        self._by_kernel: dict[object, int] = {}
        problems = Problems()
        if base.execution.bounds:
            remedy = "leave it out and sweep execution.path over worst and best"
            problems.add(ConfigError("not in a sweep", field="execution.bounds", found=True, remedy=remedy))
        for axis in axes.values():
            with problems.collect():
                check_axis(axis, base, [other.name for other in axes.values()])
        problems.raise_any("grid")

    def numbers(self, places: Places) -> NDArray[np.int32]:
        """The setting of each column of `places`, which is of shape (axes, trials)."""
        chosen = places[list(self._axes)]
        if not len(chosen):
            return np.full(places.shape[1], self._number(b"", {}), np.int32)
        distinct, inverse = np.unique(chosen, axis=1, return_inverse=True)
        found = []
        for column in distinct.T:
            values = {axis.name: axis.values[place] for axis, place in zip(self._axes.values(), column, strict=True)}
            found.append(self._number(column.tobytes(), values))
        return np.array(found, np.int32)[inverse.reshape(-1)]

    def _number(self, key: bytes, changes: Mapping[str, Any]) -> int:
        if key not in self._by_places:
            self._by_places[key] = len(self.known)
            try:
                self.known.append(self._cast(self._base.changed(changes)))
            except AdmfError as error:
                if not changes:
                    raise
                self.known.append(Setting(error=str(error)))
        return self._by_places[key]

    def _cast(self, rules: Rules) -> Setting:
        run = self.run_of(rules)
        check_bad_bars(rules.execution, self._market)
        opened = run.state()
        row = run.strategy_record()
        kernel = (tuple(rules.execution.user_laws().values()), opened.fees.tobytes(), opened.actions.tobytes())
        if kernel not in self._by_kernel:
            self._by_kernel[kernel] = len(self.groups)
            self.groups.append(Group(run, opened, row))
        return Setting(
            rules=rules,
            group=self._by_kernel[kernel],
            lanes=self.lanes and rules_allow(rules.execution, rules.account, rules.risk),
            config=words_of(opened.config)[0],
            account=words_of(opened.account)[0],
            opening=words_of(opened.positions).reshape(-1),
            strategy=row.tobytes(),
            digest=rules.digest(),
        )

    def run_of(self, rules: Rules) -> Run:
        """The single run whose trial this is."""
        return Run(
            market=self._market,
            execution=rules.execution,
            account=rules.account,
            risk=rules.risk,
            record="summary",
            close_positions=True,
            debug=False,
            strategy=self._strategy,
        )


def check_axis(axis: Axis, base: Rules, names: list[str]) -> None:
    """The field of an axis exists and takes its values; what depends on other axes shows in the trial."""
    section, _, rest = axis.name.partition(".")
    name, _, inner = rest.partition(".")
    kinds = SECTIONS[section].KINDS
    where = f"grid.{axis.name}"
    if name not in kinds:
        raise unknown_name(name, kinds, field=where, what=f"field of {section}")
    if name == "bounds":
        raise ConfigError("not in a sweep", field=where, remedy="sweep execution.path over worst and best")
    problems = Problems()
    kind = kinds[name]
    if inner and not isinstance(kind, ModelKind):
        raise ConfigError("has no parameters of its own", field=where, remedy=f"write {section}.{name}")
    for value in axis.values:
        with problems.collect():
            if not inner:
                kind.read(value, where)
            elif f"{section}.{name}" not in names:
                Rules.changed(base, {axis.name: value})
    problems.raise_any("grid")
