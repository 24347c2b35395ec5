"""The commands that run a configuration or a table of orders, or say whether they would."""

from pathlib import Path
from typing import TYPE_CHECKING

from admf.cli.options import Flag, Json, OnBadOrder, OnDefect, Record, Sets
from admf.cli.show import Progress, print_facts, print_json, print_note, show_result
from admf.errors import ConfigError

if TYPE_CHECKING:
    from admf.config import Config
    from admf.config.source import Override
    from admf.data import Market


def run(
    configs: tuple[Path, ...],
    /,
    *,
    data: Path | None = None,
    set_: Sets = (),
    out: Path | None = None,
    record: Record | None = None,
    on_defect: OnDefect | None = None,
    json: Json = False,
) -> None:
    """Backtest the strategy of a configuration; several are run side by side, each in a container of its own.

    Parameters
    ----------
    configs
        YAML file, or several; configs/ has examples.
    data
        Bar file (.parquet, .csv, .arrow, .feather) in place of the configuration's data.
    set_
        Change values: --set strategy_params.fast=20 execution.path=best
    out
        Folder for fills, orders, transitions, trades, equity, metrics (Parquet) and report.html; of several
        configurations a folder in it for each.
    record
        What is kept: everything, fills with trades and equity, or metrics only.
    on_defect
        What to do with defects in the bars.
    json
        Print one JSON object in place of the summary.
    """
    overrides = changes(set_, data=data, on_defect=on_defect)
    if len(configs) > 1:
        from admf.cli.parallel import names_of, run_side_by_side

        named = {name: load_backtest(config, overrides) for name, config in names_of(configs).items()}
        run_side_by_side(named, out, record, as_json=json)
        return
    loaded = load_backtest(configs[0], overrides)
    folder = target(loaded, out)
    strategy = loaded.strategy
    assert strategy is not None
    with Progress(type(strategy).__name__) as progress:
        market = load_market(loaded)

        # the compiler comes in last: what is wrong with the input is said at once
        from admf.coordinate import BacktestCoordinator, Recipe

        recipe = Recipe(loaded, market, record or loaded.record)
        result = BacktestCoordinator().run_backtest(recipe, progress=progress)
    show_result(result, folder, as_json=json)


def load_backtest(config: Path, overrides: "list[Override]") -> "Config":
    """A configuration of a backtest; ConfigError for one that has another command."""
    from admf.config import load_config

    loaded = load_config(config, overrides)
    if loaded.root.optimization is not None:
        raise ConfigError("is an optimization", field="config", found=str(config), remedy="run it with admf sweep")
    if loaded.root.live_trading is not None:
        raise ConfigError("trades as time goes by", field="config", found=str(config), remedy="run it with admf paper")
    return loaded


def simulate(
    *,
    bars: Path,
    orders: Path,
    config: Path | None = None,
    set_: Sets = (),
    symbol: str | None = None,
    on_defect: OnDefect | None = None,
    on_bad_order: OnBadOrder = "error",
    out: Path | None = None,
    record: Record | None = None,
    json: Json = False,
) -> None:
    """Execute a table of orders on bars.

    Parameters
    ----------
    bars
        Bar file (.parquet, .csv, .arrow, .feather).
    orders
        Table of orders (.parquet, .csv, .arrow, .feather).
    config
        YAML file with the rules: execution, account, instruments, how to read the data.
    set_
        Change values: --set execution.slippage=fixed account.cash=50000
    symbol
        Which symbol of the bar file, where it holds several.
    on_defect
        What to do with defects in the bars.
    on_bad_order
        Refuse the table if an order is wrong in itself, or let that order end REJECTED.
    out
        Folder for the results (Parquet) and report.html.
    record
        What is kept: everything, fills with trades and equity, or metrics only.
    json
        Print one JSON object in place of the summary.
    """
    from admf.config import load_config

    options = changes(set_, data=bars, symbol=symbol, on_defect=on_defect)
    loaded = load_config({} if config is None else config, options, needs=("data",))
    folder = target(loaded, out)
    with Progress(orders.name) as progress:
        market = load_market(loaded)

        from admf.run import simulate as execute

        result = execute(
            market,
            orders,
            execution=loaded.execution,
            account=loaded.account,
            record=record or loaded.record,
            on_bad_order=on_bad_order,
            progress=progress,
        )
    show_result(result, folder, as_json=json)


def report(run: Path, /, *, out: Path | None = None) -> None:
    """Write the report of a stored run: one self-contained page with charts, key figures and trades.

    Parameters
    ----------
    run
        Folder that run, simulate or replay has written with --out.
    out
        File (.html, .md); by default report.html in the folder.
    """
    from admf.results.pages import Page
    from admf.results.report import write_report

    print(f"written to {write_report(Page.read(run), out or run / 'report.html')}")


def check(
    config: Path | None = None,
    /,
    *,
    data: Path | None = None,
    set_: Sets = (),
    on_defect: OnDefect | None = None,
    resolved: Flag = False,
    schema: Flag = False,
    json: Json = False,
) -> None:
    """Validate a configuration and its data without running anything.

    Parameters
    ----------
    config
        YAML file.
    data
        Bar file in place of the configuration's data.
    set_
        Change values: --set strategy_params.fast=20 execution.path=best
    on_defect
        What to do with defects in the bars.
    resolved
        Print the configuration with every default written out.
    schema
        Print the JSON Schema of configurations; needs none.
    json
        Print one JSON object.
    """
    from admf.config import load_config
    from admf.errors import ConfigError
    from admf.strategies import REGISTRY
    from admf.strategy import CompiledStrategy

    if schema:
        print_schema()
        return
    if config is None:
        raise ConfigError("missing", field="config", allowed="a YAML file, or --schema")
    loaded = load_config(config, changes(set_, data=data, on_defect=on_defect))
    if resolved:
        print_resolved(loaded, as_json=json)
        return
    target(loaded)
    if loaded.root.live_trading is not None:
        check_session(config, loaded, as_json=json)
        return
    strategy = loaded.strategy
    assert strategy is not None
    if type(strategy) not in REGISTRY.values() and isinstance(strategy, CompiledStrategy):
        strategy.hooks()
    market = load_market(loaded)
    check_rules(loaded, market)
    print_valid(config, loaded, repr(market), as_json=json)


def check_session(config: Path, loaded: "Config", *, as_json: bool) -> None:
    """What the start of a paper or live session would refuse, apart from the venue."""
    from admf.live.feeds import make_feed
    from admf.live.paper import refuse_ends
    from admf.live.settings import read_strategies

    strategies = [f"{one.strategy_id}: {one.strategy!r}" for one in read_strategies(loaded)]
    refuse_ends(loaded.execution)
    data = "bars of the venue" if loaded.has_venue_bars else repr(make_feed(loaded, load_market))
    print_valid(config, loaded, data, as_json=as_json, strategies=strategies)


def print_valid(
    config: Path, loaded: "Config", data: str, *, as_json: bool, strategies: list[str] | None = None
) -> None:
    """What a valid configuration stands for."""
    facts = {
        "config": str(config),
        "strategy": repr(loaded.strategy) if strategies is None else strategies,
        "execution": repr(loaded.execution),
        "account": repr(loaded.account),
        "risk": repr(loaded.risk),
        "data": data,
    }
    if as_json:
        print_json({"valid": True, **facts})
    else:
        print("valid")
        print_facts(facts)


def print_schema() -> None:
    """JSON Schema of configurations."""
    from admf.config import schema

    print_json(schema())


def print_resolved(loaded: "Config", *, as_json: bool) -> None:
    """The configuration with every default, in YAML or as one JSON object."""
    from admf.config import resolved, resolved_text

    if as_json:
        print_json(resolved(loaded))
    else:
        print(resolved_text(loaded), end="")


def target(loaded: "Config", out: Path | None = None) -> Path | None:
    """The output folder, if there is one; refused before anything runs where it could not be written."""
    from admf.results.store import check_target

    folder = out or loaded.output_folder
    if folder is not None:
        check_target(folder)
    return folder


def load_market(loaded: "Config") -> "Market":
    """The market of a configuration; says what was done about defects of its bars."""
    bars = loaded.parts()
    for part in bars:
        for defect in part.defects.defects:
            print_note(f"{part.symbol}: {defect.count:,} x {defect.kind}: {defect.text}; {defect.action}")
    return loaded.market(bars)


def check_rules(loaded: "Config", market: "Market") -> None:
    """What the start of a run would refuse: rules against each other, the account and the data."""
    execution, account = loaded.execution, loaded.account
    execution.cast(
        account,
        bar_count=market.bar_count,
        has_volume=market.has_volume,
        close_positions=True,
        sample_sessions=market.intraday,
        record=loaded.record,
        has_ticks=bool((market.instrument_records["tick_inverse"] > 0.0).all()),
    )
    if account.positions or execution.bad_bar == "raise":
        from admf.run.arguments import check_bad_bars, read_positions  # loads the compiler

        read_positions(account, market)
        check_bad_bars(execution, market)


def changes(
    sets: tuple[str, ...], *, data: Path | None, symbol: str | None = None, on_defect: str | None = None
) -> list["Override"]:
    """What the command line changes in a configuration; options of their own come after --set."""
    found: list[Override] = [*sets]
    if data is not None:
        found += [("data.path", str(data.absolute())), ("data.generate", None)]
    if symbol is not None:
        found += [("data.symbol", symbol), ("data.symbols", None)]
    if on_defect is not None:
        found.append(("data.on_defect", on_defect))
    return found
