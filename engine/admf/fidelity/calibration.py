"""Slippage models fitted to fills: those of your broker, or those of finer bars."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf import slippage
from admf.data import Market
from admf.data.stamps import infer_frequency_ns, stamp_text, to_stamps
from admf.errors import ConfigError, DataError, OrderError, counted
from admf.models import Model
from admf.orders.tables import to_frame
from admf.run.arguments import read_market
from admf_kernels.laws.slippage import trailing_volatility

BPS = 1e4
TRAIN_SHARE = 0.7  # of the fills in time; the rest judges
FILLS_MIN = 30
POWER_WINDOW = 20
EXPONENTS = np.linspace(0.1, 1.5, 57)  # 0.025 apart
NEEDED = ("side", "quantity", "price", "base_price")
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Fitted models by name, as values for `Execution(slippage=…)`, and how well each describes the fills.

    `frame` has one row a model, best first: `model`, `parameters`, `train_rmse_bps` on the first 70 % of the fills,
    `test_rmse_bps` and `test_bias_bps` (modelled less paid) on the rest, which the fit has not seen.
    """

    models: dict[str, Model]
    frame: pl.DataFrame
    fills: int
    left_out: int  # fills in holes between bars, and on bars whose volume or range says nothing

    @property
    def best(self) -> Model:
        """The model with the smallest error on the fills that it has not seen."""
        return self.models[self.frame["model"][0]]

    def __repr__(self) -> str:
        return (
            f"Calibration({counted(self.fills, 'fill')}, best {self.frame['model'][0]} {self.frame['parameters'][0]})"
        )


@dataclass(frozen=True, eq=False)
class Observed:
    """Fills in order of time: what each cost (share of the base price) and what its bar says."""

    cost: Floats
    share: Floats  # of the bar's volume
    height: Floats  # high − low, share of the base price
    volatility: Floats


def calibrate_slippage(market: Any, fills: Any, models: Iterable[str] | None = None) -> Calibration:
    """Fits slippage models to fills by least squares and judges each on later fills.

    `fills`: a table (frame, mapping or path) with `side`, `quantity`, `price`, `base_price` (what the fill would have
    cost without slippage: the mid or last price when it was sent) and `bar` or `timestamp`; `Result.fills` is one, and
    rows of one `order_id` in one bar count as one fill. `market`: bars of one symbol that hold them. `models`: all of
    `FITS` unless given. Fills on finer bars (`Fidelity.true_fills`) tell `bps` and `range` only: what `volume_share`
    and `power` describe is how a price moves with the size of an order, and recorded prices knew of none. Raises
    DataError for missing columns, fills outside the bars or fewer than `FILLS_MIN`, ConfigError for a model that cannot
    be fitted.
    """
    chosen = list(FITS if models is None else models)
    for name in chosen:
        if name not in FITS:
            raise ConfigError("cannot be fitted", field="models", found=name, allowed=", ".join(FITS))
    aligned = read_market(market, None)
    observed, left_out = observe(aligned, read_fills(fills), needs_volume=bool({*chosen} & VOLUME_MODELS))
    count = len(observed.cost)
    if count < FILLS_MIN:
        allowed = f"at least {FILLS_MIN}"
        raise DataError("too few fills to fit", field="fills", found=f"{count}, {left_out} left out", allowed=allowed)
    cut = int(count * TRAIN_SHARE)
    train, test = slice(0, cut), slice(cut, count)
    fitted, rows = {}, []
    for name in chosen:
        fitted[name], modelled = FITS[name](observed, train)
        error = (modelled - observed.cost) * BPS
        words = ", ".join(
            f"{key} {value:.4g}" for key, value in fitted[name].to_dict().items() if isinstance(value, float)
        )
        rows.append((name, words, rmse(error[train]), rmse(error[test]), float(np.mean(error[test]))))
    columns = ["model", "parameters", "train_rmse_bps", "test_rmse_bps", "test_bias_bps"]
    frame = pl.DataFrame(rows, columns, orient="row").sort("test_rmse_bps", maintain_order=True)
    return Calibration(fitted, frame, count, left_out)


def read_fills(fills: Any) -> pl.DataFrame:
    """The table of fills; its faults are called by its name."""
    try:
        return to_frame(fills)[0]
    except OrderError as error:
        error.field = "fills"
        raise


def observe(market: Market, table: pl.DataFrame, *, needs_volume: bool) -> tuple[Observed, int]:
    """The fills of a table on their bars, and how many say nothing."""
    missing = [name for name in NEEDED if name not in table.columns]
    if missing or not {"bar", "timestamp"} & set(table.columns):
        allowed = f"{', '.join(NEEDED)}, bar or timestamp"
        raise DataError("columns are missing", field="fills", found=", ".join(table.columns), allowed=allowed)
    if needs_volume and not market.has_volume:
        remedy = "leave out " + ", ".join(sorted(VOLUME_MODELS))
        raise DataError("the bars have no volume", field="models", found="no volume", remedy=remedy)
    table = whole_fills(sensible(table))
    bar = bars_of(market, table)
    in_holes = int(np.count_nonzero(bar < 0))
    order = np.argsort(bar, kind="stable")[in_holes:]
    bar = bar[order]
    side = np.where(table["side"].to_numpy() == "buy", 1.0, -1.0)[order]
    quantity, price, base = (table[name].cast(pl.Float64).to_numpy()[order] for name in NEEDED[1:])
    arrays = market.arrays
    volume = arrays.volume[bar, 0]
    height = (arrays.high[bar, 0] - arrays.low[bar, 0]) / base
    with np.errstate(divide="ignore", invalid="ignore"):
        share = quantity / volume if needs_volume else np.zeros(len(bar))
    volatility = np.array([trailing_volatility(arrays.close, int(index), 0, POWER_WINDOW) for index in bar])
    cost = side * (price - base) / base
    known = np.isfinite(cost) & np.isfinite(share) & np.isfinite(height)
    return Observed(cost[known], share[known], height[known], volatility[known]), in_holes + int(
        np.count_nonzero(~known)
    )


def sensible(table: pl.DataFrame) -> pl.DataFrame:
    """The fills with sides in lower case and numbers as numbers; DataError with the count of those that are none."""
    numbers = [pl.col(name).cast(pl.Float64, strict=False) for name in NEEDED[1:]]
    read = table.with_columns(pl.col("side").cast(pl.String).str.to_lowercase().str.strip_chars(), *numbers)
    allowed = {"side": "buy, sell", "quantity": "a number > 0", "price": "a number > 0", "base_price": "a number > 0"}
    for name, words in allowed.items():
        sound = pl.col(name).is_in(["buy", "sell"]) if name == "side" else (pl.col(name) > 0) & pl.col(name).is_finite()
        wrong = read.select(row=~sound.fill_null(value=False)).to_series().arg_true()
        if len(wrong):
            message = f"not allowed, in {counted(len(wrong), 'row')}, the first is row {wrong[0]}"
            raise DataError(message, field=f"fills.{name}", found=table[name][int(wrong[0])], allowed=words)
    return read


def whole_fills(table: pl.DataFrame) -> pl.DataFrame:
    """One row for the parts of an order in one bar, where `order_id` tells: a reversal is booked as two fills."""
    if "order_id" not in table.columns:
        return table
    clock = "bar" if "bar" in table.columns else "timestamp"
    weights = {
        name: (pl.col(name) * pl.col("quantity")).sum() / pl.col("quantity").sum() for name in ("price", "base_price")
    }
    parts = table.group_by("order_id", clock, maintain_order=True)
    return parts.agg(pl.col("side").first(), **weights, quantity=pl.col("quantity").sum())


def bars_of(market: Market, table: pl.DataFrame) -> NDArray[np.int64]:
    """The bar of each fill: given, or the one that its stamp lies in; −1 for a stamp in a hole between bars."""
    stamps = market.arrays.timestamp
    count, step_ns = len(stamps), infer_frequency_ns(stamps) or 0
    name = "bar" if "bar" in table.columns else "timestamp"
    if name == "bar":
        bar = table["bar"].cast(pl.Int64, strict=False).fill_null(-1).to_numpy().copy()
        outside, allowed = (bar < 0) | (bar >= count), f"bars 0 to {count - 1}"
    else:
        if not market.dated:
            raise DataError("the bars have no stamps", field="fills", found="timestamp", allowed="bar")
        moments = to_stamps(table["timestamp"], "UTC", "fills")
        bar = np.searchsorted(stamps, moments, side="right") - 1
        outside = (bar < 0) | (moments >= stamps[-1] + step_ns)
        allowed = f"{stamp_text(int(stamps[0]))} to the bar of {stamp_text(int(stamps[-1]))}, UTC"
    if outside.any():
        first = table[name][int(np.argmax(outside))]
        found = f"{counted(int(outside.sum()), 'fill')} of {len(bar):,}, the first at {first}"
        raise DataError("fills outside the bars", field=f"fills.{name}", found=found, allowed=allowed)
    if name == "timestamp":
        bar[moments >= stamps[bar] + step_ns] = -1
    return bar.astype(np.int64)


def slope(feature: Floats, cost: Floats) -> float:
    """Least squares through the origin, not below 0."""
    squares = float(np.sum(feature * feature))
    return max(0.0, float(np.sum(feature * cost)) / squares) if squares > 0.0 else 0.0


def rmse(error: Floats) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(error * error)))


def fit_bps(observed: Observed, train: slice) -> tuple[Model, Floats]:
    """S-03: one distance for all."""
    paid = max(0.0, float(np.mean(observed.cost[train])))
    return slippage.bps(paid * BPS), np.full(len(observed.cost), paid)


def fit_range(observed: Observed, train: slice) -> tuple[Model, Floats]:
    """S-07: a share of the bar's range."""
    share = slope(observed.height[train], observed.cost[train])
    return slippage.range(share), share * observed.height


def fit_volume_share(observed: Observed, train: slice) -> tuple[Model, Floats]:
    """S-04 without a largest share: impact times the square of the share."""
    feature = observed.share**2
    impact = slope(feature[train], observed.cost[train])
    return slippage.volume_share(impact, None), impact * feature


def fit_power(observed: Observed, train: slice) -> tuple[Model, Floats]:
    """S-06: impact and exponent; the exponent from a grid of 0.025, the impact by least squares for each."""
    best: tuple[float, Model, Floats] | None = None
    for exponent in EXPONENTS.tolist():
        feature = observed.volatility * observed.share**exponent
        impact = slope(feature[train], observed.cost[train])
        modelled = impact * feature
        error = rmse((modelled - observed.cost)[train])
        if best is None or error < best[0]:
            best = error, slippage.power(impact, exponent, POWER_WINDOW), modelled
    assert best is not None
    return best[1], best[2]


VOLUME_MODELS = {"volume_share", "power"}
FITS: dict[str, Callable[[Observed, slice], tuple[Model, Floats]]] = {
    "bps": fit_bps,
    "range": fit_range,
    "volume_share": fit_volume_share,
    "power": fit_power,
}
