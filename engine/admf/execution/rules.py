"""`Execution`: what every fill is, as one frozen value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from admf import commission, slippage
from admf.execution.presets import PRESETS
from admf.execution.values import Value, require_mapping
from admf.models import Flag, Flags, Kind, Model, ModelKind, Number, Problems, Word, unknown_name
from admf_kernels import codes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from admf.execution.account import Account
    from admf.execution.risk import Risk


NO_SLIPPAGE = slippage.none()
NO_COMMISSION = commission.none()
LATENCY_BARS_MAX = 1_000_000  # bar numbers beyond it would not fit the record


@dataclass(frozen=True, repr=False)
class Execution(Value):
    """The rules of a run. Every field is data to the kernels, so a sweep over it never recompiles.

    Words may be written in any case; what each means stands beside its code in admf_kernels/codes.py, the rules are in
    kernels/SPEC.md. `slippage` and `commission` take a model, its name, or `{model: name, parameter: value}`.
    `volume_limit` is a share of the basis volume (None = no cap), `min_fill` is in units, `volume_window` and
    `latency_bars` in bars, `slip_on` names the fills that slip. `bounds` runs everything twice, with path worst and
    best, for `Result.bounds`. Raises ConfigError that lists every fault.
    """

    slippage: Model = NO_SLIPPAGE
    commission: Model = NO_COMMISSION
    path: str = "worst"
    market_fill: str = "next_open"
    price_ref: str = "range"
    limit_trigger: str = "through_ticks"
    limit_through_ticks: float = 1.0
    limit_gap: str = "open"
    stop_trigger: str = "touch"
    stop_gap: str = "open"
    stop_limit: str = "path"
    stop_limit_trigger: str = "as_stop"
    limit_at_open: str = "marketable"
    stop_latch: str = "sticky"
    trail_ref: str = "extreme"
    trail_eval: str = "worst"
    trail_fill: str = "stop"
    entry_bar_exits: str = "worst"
    child_activation: str = "same_bar"
    conflict: str = "stop_first"
    points_only: bool = False
    latency_bars: int = 0
    clamp: str = "bar_and_limit"
    clamp_fail: str = "fill_at_clamp"
    slip_on: tuple[str, ...] = ("market", "stop", "limit_marketable")
    volume_limit: float | None = None
    volume_basis: str = "bar"
    volume_window: int = 20
    volume_scope: str = "bar_shared"
    min_fill: float = 0.0
    remainder: str = "carry"
    cash_submit: str = "reserve"
    cash_fill: str = "reject"
    short: str = "margin"
    last_bar: str = "expire_unfilled"
    bad_bar: str = "skip"
    bounds: bool = False

    TITLE: ClassVar[str] = "execution"
    KINDS: ClassVar[Mapping[str, Kind]] = {
        "slippage": ModelKind("slippage"),
        "commission": ModelKind("commission"),
        "path": Word(codes.Path),
        "market_fill": Word(codes.MarketFill),
        "price_ref": Word(codes.PriceReference),
        "limit_trigger": Word(codes.LimitTrigger),
        "limit_through_ticks": Number(minimum=0.0),
        "limit_gap": Word(codes.LimitGap),
        "stop_trigger": Word(codes.StopTrigger),
        "stop_gap": Word(codes.StopGap),
        "stop_limit": Word(codes.StopLimitRule),
        "stop_limit_trigger": Word(codes.StopLimitTrigger),
        "limit_at_open": Word(codes.LimitAtOpen),
        "stop_latch": Word(codes.StopLatch),
        "trail_ref": Word(codes.TrailReference),
        "trail_eval": Word(codes.TrailEval),
        "trail_fill": Word(codes.TrailFill),
        "entry_bar_exits": Word(codes.EntryBarExits),
        "child_activation": Word(codes.ChildActivation),
        "conflict": Word(codes.Conflict),
        "points_only": Flag(),
        "latency_bars": Number(minimum=0, maximum=LATENCY_BARS_MAX, whole=True),
        "clamp": Word(codes.Clamp),
        "clamp_fail": Word(codes.ClampFail),
        "slip_on": Flags(codes.SlipOn),
        "volume_limit": Number(above=0.0, maximum=1.0, absent=float("nan")),
        "volume_basis": Word(codes.VolumeBasis),
        "volume_window": Number(minimum=1, maximum=2**31 - 1, whole=True),
        "volume_scope": Word(codes.VolumeScope),
        "min_fill": Number(minimum=0.0),
        "remainder": Word(codes.Remainder),
        "cash_submit": Word(codes.CashSubmit),
        "cash_fill": Word(codes.CashFill),
        "short": Word(codes.Short),
        "last_bar": Word(codes.LastBar),
        "bad_bar": Word(codes.BadBar),
        "bounds": Flag(),
    }

    @classmethod
    def preset(cls, name: str) -> Self:
        """The rules of another engine, without its costs: `slippage` and `commission` stay with you."""
        word = str(name).lower()
        if word not in PRESETS:
            raise unknown_name(name, PRESETS, field="execution.preset", what="preset")
        return cls(**PRESETS[word])

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From a mapping of fields; `preset` names what the others start from. ConfigError lists every fault."""
        if "preset" not in require_mapping(cls.TITLE, values):
            return super().from_dict(values)
        problems = Problems()
        start: Mapping[str, Any] = {}
        with problems.collect():
            start = cls.preset(values["preset"]).to_dict()
        with problems.collect():
            rest = {name: value for name, value in values.items() if name != "preset"}
            made = super().from_dict({**start, **rest})
        problems.raise_any(cls.TITLE)
        return made

    def user_laws(self) -> dict[str, Callable[..., float]]:
        """The user's own functions by kernel slot: `user_slippage`, `user_commission`; only those given."""
        models = {"user_slippage": self.slippage, "user_commission": self.commission}
        return {slot: model.function for slot, model in models.items() if model.function is not None}

    def record_values(self) -> dict[str, Any]:
        """Fields of `config_dt` that these rules fill."""
        values = self.slippage.record_values() | self.commission.record_values()
        for name, kind in self.KINDS.items():
            if isinstance(kind, Word | Flags | Flag | Number):
                values[name] = kind.number(getattr(self, name))
        if self.stop_limit_trigger == "as_stop":
            values["stop_limit_trigger"] = values["stop_trigger"]
        return values

    def cast(
        self,
        account: "Account",
        *,
        bar_count: int,
        has_volume: bool,
        close_positions: bool,
        sample_sessions: bool,
        record: str,
        has_ticks: bool | None = None,
        has_vwap: bool | None = None,
        dated: bool = True,
        container: int = 0,
        risk: "Risk | None" = None,
    ) -> "NDArray[np.record]":
        """The record of the kernels, config_dt of shape (1,); see `admf.execution.cast`."""
        from admf.execution.cast import cast  # NumPy comes in here: reading and checking rules does not need it

        return cast(
            self,
            account,
            bar_count=bar_count,
            has_volume=has_volume,
            close_positions=close_positions,
            sample_sessions=sample_sessions,
            record=record,
            has_ticks=has_ticks,
            has_vwap=has_vwap,
            dated=dated,
            container=container,
            risk=risk,
        )
