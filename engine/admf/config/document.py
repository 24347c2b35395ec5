"""A configuration from its text to checked values: `load_config` reads, folds old spellings, lists every fault."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from admf.config.folding import fold, refuse_going_on
from admf.config.includes import with_includes
from admf.config.places import STRATEGY
from admf.config.problems import config_errors, given, without_empty_sections
from admf.config.schema import Root
from admf.config.source import Document, Override, at, overridden, plain_keys, read_file
from admf.config.user_code import find, find_strategy
from admf.errors import ConfigError, DataError
from admf.execution import Account, Execution, Risk
from admf.execution.contradictions import Facts, refuse_contradictions
from admf.models import Problems

if TYPE_CHECKING:
    from admf.data import Bars, Instrument, Market
    from admf.data.market import GivenTables
    from admf.events import EventStrategy
    from admf.results.records import RecordLevel
    from admf.strategy import CompiledStrategy

MODES = ("backtest", "optimization", "live_trading")
OF_FILES = ("start", "end", "frequency")  # fields of `data` that say nothing about generated bars
FAMILIES = ("slippage", "commission")
ADVICE = {
    "symbol": "choose one: data.symbol in the configuration, --set data.symbol=NAME on the command line",
    "frequency": "give data.frequency, such as 1min, 1h or 1d",
}
DEFECT_ADVICE = (
    "correct the file, or set data.on_defect (--on-defect) to repair, which says what it changed, or to drop; "
    "keep leaves invalid bars, but no stamps out of order, to the rule execution.bad_bar"
)
RUN = ("strategy", "data")
ALL = "all"  # of `data.symbols`

Source = str | Path | Mapping[str, Any]


@dataclass(frozen=True)
class Config:
    """A checked configuration; `folder` is where its relative paths start. `strategy` is None where none is given."""

    root: Root
    folder: Path
    execution: Execution
    account: Account
    risk: Risk
    strategy: "CompiledStrategy | EventStrategy | None"

    def instruments(self) -> "list[Instrument] | None":
        """Trading rules by symbol; None where none are given."""
        from admf.data import Instrument

        made = [Instrument(symbol, **rules.model_dump()) for symbol, rules in self.root.instruments.items()]
        return made or None

    @property
    def has_venue_bars(self) -> bool:
        """Whether the bars come from a venue."""
        live, data = self.root.live_trading, self.root.data
        if live is None or live.venue is None or live.feed is not None:
            return False
        return data.path is None and data.generate is None

    def bars(self) -> "Bars":
        """The bars of the only symbol, or of the first one."""
        return self.parts()[0]

    def parts(self) -> "list[Bars]":
        """The bars of each symbol, loaded or made up; DataError, ConfigError where that is not possible."""
        from admf.data import generate, load, load_panel

        data = self.root.data
        symbol = data.symbol or (data.symbols[0] if data.symbols else None)
        if data.generate is not None:
            made, names = data.generate, self.made_symbols(symbol or "SYM")
            return [generate(made.bars, made.seed + place, made.frequency, name) for place, name in enumerate(names)]
        if data.path is None:
            message, remedy = "the bars come from the venue", "trade with admf live, or give --data FILE"
            raise ConfigError(message, field="data", remedy=remedy)
        try:
            if self.is_panel:
                names = () if data.symbols is None or data.symbols == (ALL,) else data.symbols
                path, limits = self.folder / data.path, (data.start, data.end, data.on_defect)
                return load_panel(path, names or None, *limits, tz=data.tz)
            bars = load(
                self.folder / data.path,
                symbol,
                data.start,
                data.end,
                data.on_defect,
                frequency=data.frequency,
                label=data.label,
                tz=data.tz,
            )
        except DataError as error:
            raise in_words_of_config(error) from None
        return [bars]

    @property
    def is_panel(self) -> bool:
        """Whether several symbols come from one table."""
        symbols = self.root.data.symbols
        return symbols is not None and (len(symbols) > 1 or symbols == (ALL,))

    def made_symbols(self, symbol: str) -> Sequence[str]:
        """Names of the symbols that are made up: those that are asked for, or S1, S2, …"""
        data = self.root.data
        assert data.generate is not None
        if data.symbols is not None and len(data.symbols) > 1:
            return data.symbols
        count = data.generate.symbols
        return [f"S{place:0{len(str(count))}}" for place in range(1, count + 1)] if count > 1 else [symbol]

    def tables(self) -> "GivenTables":
        """The files beside the bars; relative paths start at the folder of the configuration."""
        from admf.data.market import GivenTables

        data, folder = self.root.data, self.folder
        actions, rates = (None if name is None else folder / name for name in (data.actions, data.rates))
        conversions = {
            name: folder / rate if isinstance(rate, str) else rate for name, rate in data.conversions.items()
        }
        return GivenTables(actions, rates, conversions)

    def market(self, bars: "list[Bars] | None" = None) -> "Market":
        """The bars (those of the configuration unless given) on their clock, with instruments and actions."""
        from admf.data import Market
        from admf.data.sessions import rule_name

        bars, sessions = self.parts() if bars is None else bars, self.root.data.sessions
        hours = self.folder / sessions if rule_name(sessions) == "hours" else sessions
        try:
            tables = self.tables().of(bars)
            return Market(bars, sessions=hours, instruments=self.instruments(), **tables)
        except DataError as error:
            raise in_words_of_config(error) from None

    @property
    def output_folder(self) -> Path | None:
        """Where results go, if they are written."""
        folder = self.root.output.folder
        return None if folder is None else self.folder / folder

    @property
    def record(self) -> "RecordLevel":
        """What is kept; `track_history: false` of the portfolio keeps metrics alone."""
        backtest = self.root.backtest
        tracks = backtest is None or backtest.components.portfolio.params.track_history
        return self.root.output.record if tracks else "summary"


def in_words_of_config(error: DataError) -> DataError:
    """The same error; where Python's arguments would be advised, with the keys of a configuration."""
    remedy = ADVICE.get(error.field, error.remedy)
    remedy = DEFECT_ADVICE if "on_defect=" in remedy else remedy
    message, field = str(error.args[0]), "data.sessions" if error.field == "sessions" else error.field
    return DataError(message, field=field, found=error.found, allowed=error.allowed, remedy=remedy)


def load_config(
    source: Source,
    overrides: Sequence[Override] = (),
    folder: str | Path | None = None,
    *,
    needs: Sequence[str] = RUN,
) -> Config:
    """Read and check a configuration; one ConfigError lists every fault with its path.

    `source` is a YAML file or a mapping; `overrides` are changes `key.key=value`, or pairs of key and value, applied in
    order; `folder` is where relative paths start, by default the folder of the file. `needs`: what must be there,
    "strategy", "data". StrategyError where a module of the user's fails on import.
    """
    if isinstance(source, Mapping):
        document, place = plain_keys(source), Path()
    else:
        document, place = read_file(Path(source)), Path(source).parent
    place = place if folder is None else Path(folder)
    found = Problems()
    document = without_empty_sections(with_includes(document, place, found))
    moved = take_components(document)
    optimized = bool(moved)
    moved |= fold(document, found)
    document = without_empty_sections(overridden(document, overrides, found))
    with found.collect():
        refuse_going_on(document)
    import_laws(document, place, found)
    check_run(document, needs, found, optimized=optimized)
    strategy = check_strategy(document, place, found)
    root = validate(document, found)
    values = check_values(root, found) if root is not None else None
    raise_written(found, moved)
    assert root is not None
    assert values is not None
    return Config(root, place, *values, strategy)


def validate(document: Document, problems: Problems) -> Root | None:
    """The sections; None and the faults where one is not as it should be."""
    try:
        return Root.model_validate(document)
    except ValidationError as error:
        for fault in config_errors(error):
            problems.add(fault)
        return None


def raise_written(found: Problems, moved: Mapping[str, str]) -> None:
    """All faults as one error, each once, with the paths that the user wrote."""
    written = Problems()
    for error in {str(fault): fault for fault in (as_written(error, moved) for error in found.errors)}.values():
        written.add(error)
    written.raise_any("config")


def as_written(error: ConfigError, moved: Mapping[str, str]) -> ConfigError:
    """The same error with its field where the user wrote the value."""
    for place, written in moved.items():
        if f"{error.field}.".startswith(f"{place}."):
            field, message = written + error.field[len(place) :], str(error.args[0])
            return ConfigError(message, field=field, found=error.found, allowed=error.allowed, remedy=error.remedy)
    return error


def import_laws(document: Document, folder: Path, problems: Problems) -> None:
    """Functions of the user's that slippage and commission name as text, in `execution` and in each fill model."""
    models = document.get("fill_models")
    sections = {"execution": document.get("execution")}
    if isinstance(models, Mapping):
        sections |= {f"fill_models.{name}": rules for name, rules in models.items()}
    for place, rules in sections.items():
        for family in FAMILIES:
            model = at(rules, family)
            if isinstance(model, dict) and isinstance(model.get("function"), str):
                with problems.collect():
                    model["function"] = find(model["function"], folder, f"{place}.{family}.function")


def check_run(document: Document, needs: Sequence[str], problems: Problems, *, optimized: bool) -> None:
    """What single fields cannot tell: the mode, the source of the bars, and what is not built yet."""
    modes = [mode for mode in MODES if document.get(mode) is not None]
    if optimized:
        modes.remove("backtest")  # its components were taken from the optimization
    if len(modes) > 1 or (not modes and "strategy" in needs):
        found, allowed = ", ".join(modes) or "none of them", ", ".join(MODES)
        problems.add(ConfigError("exactly one of the modes is needed", found=found, allowed=allowed))
    if document.get("grid") and "optimization" not in modes:
        remedy = "name the strategy under optimization.components, and run it with admf sweep"
        problems.add(ConfigError("is for an optimization", field="grid", remedy=remedy))
    check_data(document, needs, problems)


def take_components(document: Document) -> dict[str, str]:
    """The components of an optimization are those of each of its runs; place → where the user wrote them."""
    section = document.get("optimization")
    if not isinstance(section, Mapping) or document.get("backtest") is not None:
        return {}
    rest = dict(section)
    document["backtest"] = {"components": rest.pop("components", {})}
    document["optimization"] = rest
    return {"backtest.components": "optimization.components"}


def check_data(document: Document, needs: Sequence[str], problems: Problems) -> None:
    """Bars come from one place, and of one symbol."""
    places = {"path": "data.path", "generate": "data.generate", "live_trading.feed": "live_trading.feed"}
    sources = [name for name, place in places.items() if at(document, place) is not None]
    from_venue = at(document, "live_trading.venue.kind") == "alpaca"
    if len(sources) > 1 or (not sources and "data" in needs and not from_venue):
        found = " and ".join(sources) or "neither"
        allowed = "data.path (or --data FILE), data.generate, or live_trading.feed"
        problems.add(ConfigError("bars come from one place", field="data", found=found, allowed=allowed))
    for name in OF_FILES if sources == ["generate"] else ():
        value = at(document, f"data.{name}")
        if value is not None:
            remedy = "leave it out; data.generate has its own frequency"
            problems.add(ConfigError("is for bars of a file", field=f"data.{name}", found=value, remedy=remedy))
    symbol, symbols = at(document, "data.symbol"), at(document, "data.symbols")
    if None not in (symbol, symbols) and symbols not in (symbol, [symbol]):
        message = f"differs from data.symbol, which is {symbol!r}"
        problems.add(ConfigError(message, field="data.symbols", found=symbols, remedy="give one of them"))


def check_strategy(document: Document, folder: Path, problems: Problems) -> "CompiledStrategy | EventStrategy | None":
    """The strategy with its parameters, as far as the section is one."""
    name, parameters = at(document, f"{STRATEGY}.class"), at(document, f"{STRATEGY}.params")
    if not isinstance(name, str) or not isinstance(parameters, Mapping | None):
        return None
    try:
        return make_strategy(name, parameters or {}, folder)
    except ConfigError as error:
        problems.add(error)
        return None


def make_strategy(name: str, parameters: Mapping[str, Any], folder: Path) -> "CompiledStrategy | EventStrategy":
    """A strategy by its name; ConfigError for parameters that it refuses."""
    kind = find_strategy(name, folder, f"{STRATEGY}.class")
    try:
        return kind(**parameters)
    except ConfigError as error:
        raise ConfigError(str(error), field=f"{STRATEGY}.params") from None


def check_values(root: Root, problems: Problems) -> tuple[Execution, Account, Risk] | None:
    """The values; None and the faults where rules contradict each other, whatever the data is."""
    try:
        execution = Execution.from_dict(given(root.execution))
        account = Account.from_dict(given(root.account))
        risk = Risk.from_dict(given(root.risk))
        refuse_contradictions(execution, account, Facts(), risk)
    except ConfigError as error:
        problems.add(error)
        return None
    return execution, account, risk
