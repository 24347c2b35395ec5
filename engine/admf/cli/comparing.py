"""The commands that set rules of execution beside each other: whole runs, and a single fill."""

from pathlib import Path
from typing import TYPE_CHECKING

from admf.cli.options import Json, OnDefect, Sets
from admf.cli.running import changes, load_market
from admf.cli.show import Progress, print_json, print_rich, table_of
from admf.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from admf.config import Config
    from admf.execution import Execution
    from admf.fidelity.compare import FillComparison

OWN = "configuration"
FILLS = {  # two tables of one frame: a terminal may have 80 columns
    "model": "fills of",
    "fill_rate": "filled",
    "missed": "missed",
    "extra": "extra",
    "bars_to_fill": "bars",
    "price_bps": "bps",
    "price_ticks": "ticks",
}
MONEY = {
    "model": "money of",
    "slippage": "slippage",
    "fees": "fees",
    "pnl": "profit",
    "pnl_difference": "gap",
    "ambiguous_bars": "open",
    "at_stake": "at stake",
}
FILLS_LEGEND = (
    "filled: share of the orders · missed, extra: filled only under the first, only here · bars: from an order to its "
    "fill · bps, ticks: how much worse the price of orders that both filled\n"
)
MONEY_LEGEND = (
    "gap: profit less that of the first · open: bars whose order of events decides · at stake: the money in them"
)
GAPS_LEGEND = (
    "alone: this rule changed, all others as in the first · last: all others changed before · interaction: what the "
    "rules do not explain one by one"
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
    compared = compared_by(config, data, orders, set_, on_defect, between or ())
    with Progress("comparing"):
        gaps = None if between is None else compared.attribution(*between, metric)
        frame = compared.frame
    show_comparison(frame, gaps, metric, out, as_json=json)


def compared_by(
    config: Path,
    data: Path | None,
    orders: Path | None,
    sets: "Sets",
    on_defect: "OnDefect | None",
    named: "Sequence[str]" = (),
) -> "FillComparison":
    """The runs of a configuration under all of its models; `named` ones must be among them."""
    from admf.config import load_config

    needs = ("data",) if orders is not None else ("strategy", "data")
    loaded = load_config(config, changes(sets, data=data, on_defect=on_defect), needs=needs)
    models = models_of(loaded)
    for name in named:
        if name not in models:
            raise ConfigError("unknown model", field="between", found=name, allowed=", ".join(models))
    with Progress("comparing"):
        market = load_market(loaded)

        from admf.fidelity import compare_fills as compare

        return compare(market, loaded.strategy if orders is None else orders, models, account=loaded.account)


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
    print_rich(table_of(frame, f"Compared with {frame['model'][0]}\n", FILLS))
    print_rich(FILLS_LEGEND)
    print_rich(table_of(frame, "", MONEY))
    print_rich(MONEY_LEGEND)
    if gaps is not None:
        first, second = gaps.columns[1:3]
        print_rich(table_of(gaps, f"\n{metric} from {first} to {second}, one rule at a time"))
        print_rich(GAPS_LEGEND)


def fill(
    config: Path,
    /,
    *,
    order: str,
    data: Path | None = None,
    orders: Path | None = None,
    set_: Sets = (),
    finer: Path | None = None,
    out: Path | None = None,
    on_defect: OnDefect | None = None,
) -> None:
    """Draw one order with its exits under many rules of execution: its bars, its levels, the path that each rule takes.

    Parameters
    ----------
    config
        YAML file; its section fill_models names the rules, else every preset is drawn.
    order
        Id of the order, as in the first run.
    data
        Bar file in place of the configuration's data.
    orders
        Table of orders to execute in place of the strategy.
    set_
        Change values: --set strategy_params.fast=20 execution.path=best
    finer
        Bar file of finer bars of the symbol, to be drawn within.
    out
        Picture (.svg, .png).
    on_defect
        What to do with defects in the bars.
    """
    from admf.results.pictures import check_drawable

    if out is not None:
        check_drawable(out)
    compared = compared_by(config, data, orders, set_, on_defect)

    from admf.data import load

    within = None if finer is None else load(finer, on_defect=on_defect or "error")
    chart = compared.fill_chart(order, within)
    print_rich(chart)
    if out is not None:
        print(f"\nwritten to {chart.save(out)}")


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
