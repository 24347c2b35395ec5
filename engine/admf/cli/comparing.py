"""The commands about fills: how much they depend on the rules, and how wrong they are."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from admf.cli.options import Json, OnDefect, Sets
from admf.cli.running import changes, load_market
from admf.cli.show import Progress, print_json, print_rich
from admf.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from admf.config import Config
    from admf.execution import Execution

OWN = "configuration"
COMPARED = {
    "model": "model",
    "fill_rate": "filled",
    "missed": "missed",
    "extra": "extra",
    "price_bps": "bps",
    "slippage": "slippage",
    "fees": "fees",
    "pnl": "profit",
    "ambiguous_bars": "open",
    "at_stake": "at stake",
}
COMPARED_LEGEND = (
    "filled: share of the orders · missed, extra: filled only under the first, only here · bps: how much worse the "
    "price of orders that both filled · open: bars whose order of events decides · at stake: the money in them"
)
GAPS_LEGEND = (
    "alone: this rule changed, all others as in the first · last: all others changed before · interaction: what the "
    "rules do not explain one by one"
)
ERRORS = {
    "model": "model",
    "fill_rate": "filled",
    "only_model": "only here",
    "only_truth": "only true",
    "price_bias_bps": "price",
    "price_rmse_bps": "rmse",
    "decisions_right": "right",
    "profit_bias_bps": "profit",
    "profit_low_bps": "from",
    "profit_high_bps": "to",
}
ERRORS_LEGEND = (
    "only here, only true: share of the slots that fill in one world alone · price: bps paid too much · right: stop or "
    "target as in truth · profit: bps too high, with its 95 % interval"
)
COVERED = {
    "stream": "orders",
    "slots": "slots",
    "left_out": "unknown",
    "outcome_covered": "outcome",
    "profit_covered": "profit",
    "open": "open",
    "width_bps": "width",
}
COVERED_LEGEND = (
    "outcome: entry, stop, target or neither as on one of the two paths · profit: its profit between theirs · unknown: "
    "open on the fine bars too, left out · open: the paths differ · width: bps between them"
)


def compare_fills(
    config: Path,
    /,
    *,
    data: Path | None = None,
    orders: Path | None = None,
    set_: Sets = (),
    between: tuple[str, str] | None = None,
    metric: str = "pnl",
    out: Path | None = None,
    on_defect: OnDefect | None = None,
    json: Json = False,
) -> None:
    """Run one strategy, or one table of orders, under many rules of execution and set the fills side by side.

    Parameters
    ----------
    config
        YAML file; its section fill_models names the rules, else every preset is compared; at its costs.
    data
        Bar file in place of the configuration's data.
    orders
        Table of orders to execute in place of the strategy.
    set_
        Change values: --set strategy_params.fast=20 execution.path=best
    between
        Two models: how much of the gap between them each differing rule explains.
    metric
        The figure of that gap: pnl, or any key figure of a run.
    out
        CSV file for the table.
    on_defect
        What to do with defects in the bars.
    json
        Print one JSON object.
    """
    from admf.config import load_config

    needs = ("data",) if orders is not None else ("strategy", "data")
    loaded = load_config(config, changes(set_, data=data, on_defect=on_defect), needs=needs)
    models = models_of(loaded)
    for name in between or ():
        if name not in models:
            raise ConfigError("unknown model", field="between", found=name, allowed=", ".join(models))
    with Progress("comparing"):
        market = load_market(loaded)

        from admf.fidelity import compare_fills as compare

        compared = compare(market, loaded.strategy if orders is None else orders, models, account=loaded.account)
        gaps = None if between is None else compared.attribution(*between, metric)
        frame = compared.frame
    show_comparison(frame, gaps, metric, out, as_json=json)


def show_comparison(
    frame: "pl.DataFrame", gaps: "pl.DataFrame | None", metric: str, out: Path | None, *, as_json: bool
) -> None:
    """The tables, on paper and on the terminal; or one JSON object."""
    from admf.results.store import write_text

    if out is not None:
        write_text(out, frame.write_csv())
    if as_json:
        print_json({"models": frame.to_dicts(), "attribution": None if gaps is None else gaps.to_dicts()})
        return
    print_rich(table_of(frame, f"Compared with {frame['model'][0]}", COMPARED))
    print_rich(COMPARED_LEGEND)
    if gaps is not None:
        first, second = gaps.columns[1:3]
        print_rich(table_of(gaps, f"\n{metric} from {first} to {second}, one rule at a time"))
        print_rich(GAPS_LEGEND)


def fidelity(
    bars: Path,
    /,
    *,
    coarse: str,
    config: Path | None = None,
    symbol: str | None = None,
    frequency: str | None = None,
    on_defect: OnDefect = "error",
    out: Path | None = None,
    json: Json = False,
) -> None:
    """Measure fill models on coarse bars against the finer bars that those are made of.

    Parameters
    ----------
    bars
        Bar file (.parquet, .csv, .arrow, .feather) of the finer bars: the truth.
    coarse
        Frequency of the coarse bars: 5min, 1h, 1d.
    config
        YAML file whose section fill_models names the rules; by default ours and the presets.
    symbol
        Which symbol of the bar file, where it holds several.
    frequency
        Frequency of the bar file, where most bars are missing.
    on_defect
        What to do with defects in the bars.
    out
        CSV file for the table of errors.
    json
        Print one JSON object.
    """
    from admf.config import load_config

    models = None if config is None else models_of(load_config(config))
    with Progress(bars.name):
        from admf.data import load
        from admf.fidelity import fill_fidelity as measure
        from admf.results.store import write_text

        found = measure(load(bars, symbol, on_defect=on_defect, frequency=frequency), coarse, models)
    if out is not None:
        write_text(out, found.frame.write_csv())
    if json:
        facts = {"symbol": found.symbol, "fine": found.fine, "coarse": found.coarse, "slots": found.slots}
        print_json(facts | {"errors": found.frame.to_dicts(), "coverage": found.coverage.to_dicts()})
        return
    print_rich(repr(found))
    for stream in found.coverage["stream"]:
        true = found.true_fill_rate(stream)
        print_rich(table_of(found.errors(stream), f"\n{stream}: {true:.1%} filled in truth", ERRORS))
    print_rich(ERRORS_LEGEND)
    print_rich(table_of(found.coverage, "\nIs the truth between the worst and the best path?", COVERED))
    print_rich(COVERED_LEGEND)


def calibrate(
    *,
    bars: Path,
    fills: Path,
    symbol: str | None = None,
    on_defect: OnDefect = "error",
    json: Json = False,
) -> None:
    """Fit slippage models to observed fills; each is judged on the last 30 % of them, which the fit does not see.

    Parameters
    ----------
    bars
        Bar file (.parquet, .csv, .arrow, .feather) that holds the fills.
    fills
        Table with side, quantity, price, base_price, and bar or timestamp.
    symbol
        Which symbol of the bar file, where it holds several.
    on_defect
        What to do with defects in the bars.
    json
        Print one JSON object.
    """
    from admf.data import load
    from admf.fidelity.calibration import FITS, VOLUME_MODELS, calibrate_slippage

    loaded = load(bars, symbol, on_defect=on_defect)
    models = [name for name in FITS if loaded.has_volume or name not in VOLUME_MODELS]
    with Progress(fills.name):
        found = calibrate_slippage(loaded, fills, models)
    best = found.best.to_dict()
    if json:
        print_json({"fills": found.fills, "left_out": found.left_out, "models": found.frame.to_dicts(), "best": best})
        return
    print_rich(table_of(found.frame, f"{found.fills:,} fills, {found.left_out:,} left out; errors in bps of the price"))
    words = ", ".join(
        f"{name}: {value:.6g}" if isinstance(value, float) else f"{name}: {value}" for name, value in best.items()
    )
    print(f"\nexecution:\n  slippage: {{{words}}}")


def models_of(loaded: "Config") -> "dict[str, Execution]":
    """The rules to compare: the configuration's own, then its `fill_models`, else every preset, all at its costs."""
    from admf.execution import PRESETS, Execution

    own = loaded.execution
    costs = {"slippage": own.slippage, "commission": own.commission}
    given = loaded.root.fill_models
    models = {OWN: own}
    for name, fields in (given or {preset: {"preset": preset} for preset in PRESETS}).items():
        changed = Execution.from_dict(fields)
        models[name] = changed.replace(**{field: value for field, value in costs.items() if field not in fields})
    return models


def table_of(frame: "pl.DataFrame", title: str, headings: "Mapping[str, str] | None" = None) -> Any:
    """A frame for people: the columns that have a heading, or all; those without a value are left out."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    names = [name for name in headings or frame.columns if frame[name].null_count() < len(frame)]
    for name in names:
        heading = name.replace("_", " ") if headings is None else headings[name]
        table.add_column(heading, justify="right" if frame[name].dtype.is_numeric() else "left")
    for row in frame.select(names).iter_rows():
        table.add_row(*map(cell, row))
    return table


def cell(value: Any) -> str:
    """A value of a table; an en dash for none."""
    if value is None:
        return "–"
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    if value == 0.0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 1e3 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
