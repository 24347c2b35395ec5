"""The sections of a configuration as pydantic models; every leaf is read by a kind, as in `admf.execution`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    create_model,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from admf.config.kinds import Choice, ClassName, Moment, RateOrFile, SessionRule, Size, Speed, Switch, Symbols
from admf.errors import ConfigError
from admf.execution import PRESETS, Account, Execution, Risk
from admf.execution.values import Value, plain
from admf.models import ConfigListError, Kind, Model, ModelKind, Number, Text

KIND_ERROR = "admf"  # type of the pydantic error that carries ConfigErrors
COUNT_MAX = 2**31 - 2
BROKERS = ("SimulatedBroker", "PassthroughBroker")
FEEDS = ("ticks", "websocket", "websocket_ticks")
LIVE_THREADS = ("ASYNC_SINGLE", "ASYNC_MULTI", "MULTI_THREADED", "MIXED")

OnDefect = Literal["error", "repair", "drop", "keep"]
Label = Literal["open", "close"]
RecordLevel = Literal["full", "fills", "summary"]


@dataclass(frozen=True)
class Leaf:
    """Marks a field that a kind reads; the kind's ConfigErrors travel through pydantic with their words."""

    kind: Kind

    def read(self, value: Any) -> Any:
        """The value in its normal form."""
        try:
            return self.kind.read(value, "")
        except ConfigError as error:
            errors = error.errors if isinstance(error, ConfigListError) else (error,)
            raise PydanticCustomError(KIND_ERROR, "not allowed", {"errors": errors}) from error

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return self.kind.schema()


Name = Annotated[str, Leaf(Text())]
Flag = Annotated[bool, Leaf(Switch())]
Time = Annotated[date, Leaf(Moment())]
SymbolList = Annotated[tuple[str, ...], Leaf(Symbols())]
Count = Annotated[int, Leaf(Number(minimum=1, maximum=COUNT_MAX, whole=True))]
Positive = Annotated[float, Leaf(Number(above=0.0))]
Isolation = Annotated[str, Leaf(Choice(("full",)))]


class Section(BaseModel):
    """A mapping that knows all its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Generate(Section):
    """Made-up bars, the same for the same seed."""

    bars: Count = 100_000
    symbols: Count = 1
    seed: Annotated[int, Leaf(Number(minimum=0, whole=True))] = 0
    frequency: Name = "1min"


class Data(Section):
    """Where the bars come from: a file, or made up. Relative paths start at the folder of the configuration.

    `symbols` are one or several of a table with a column of symbols, or `all` of them; `actions` a file of splits,
    dividends and funding rates, `rates` one of interest and borrow rates that change, `conversions` a rate, or a file
    of them, for each currency that is not the account's.
    """

    path: Name | None = None
    symbol: Name | None = None
    symbols: SymbolList | None = None
    start: Time | None = None
    end: Time | None = None
    on_defect: Annotated[OnDefect, Leaf(Choice(get_args(OnDefect)))] = "error"
    label: Annotated[Label, Leaf(Choice(get_args(Label)))] = "open"
    tz: Name = "UTC"
    sessions: Annotated[str, Leaf(SessionRule())] = "date"
    frequency: Name | None = None
    generate: Generate | None = None
    actions: Name | None = None
    rates: Name | None = None
    conversions: dict[str, Annotated[float | str, Leaf(RateOrFile())]] = {}


class InstrumentRules(Section):
    """Trading rules of one symbol."""

    tick_size: Positive | None = None
    lot_size: Positive | None = None
    multiplier: Positive = 1.0
    currency: Name | None = None
    min_quantity: Positive | None = None
    delisting_value: Annotated[float | None, Leaf(Number(minimum=0.0, absent=0.0))] = None
    funding_rate: Annotated[float | None, Leaf(Number(absent=0.0))] = None


class Component(Section):
    """One part of a container; `own` are the parameters of a class of the user's that none of ours has."""

    own: dict[str, Any] = Field({}, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _take_own(cls, data: Any) -> Any:
        name = data.get("class") if isinstance(data, Mapping) else None
        params = data.get("params") if isinstance(data, Mapping) else None
        if not isinstance(name, str) or ":" not in name or not isinstance(params, Mapping):
            return data
        ours = cls.model_fields["params"].annotation
        known = ours.model_fields if isinstance(ours, type) and issubclass(ours, BaseModel) else {}
        own = {key: value for key, value in params.items() if key not in known}
        return {**data, "params": {key: params[key] for key in params if key in known}, "own": own}


class DataHandlerParams(Section):
    """`cache_size` and `enable_splits` (train and test) change nothing in a single run."""

    symbols: SymbolList | None = None
    start_date: Time | None = None
    end_date: Time | None = None
    cache_size: Count | None = None
    enable_splits: Flag = False


class DataHandler(Component):
    """Feeds the bars."""

    class_: Annotated[str, Leaf(ClassName(("HistoricalDataHandler",)))] = Field("HistoricalDataHandler", alias="class")
    params: DataHandlerParams = DataHandlerParams()


class Strategy(Section):
    """A registered name, or `module:Name` or `path/to/file.py:Name` of your own, with its parameters."""

    class_: Name = Field(alias="class")
    params: dict[str, Any] = {}


class PortfolioParams(Section):
    """Cash and currency, also in the section `account`; `track_history: false` keeps metrics only."""

    initial_cash: Positive | None = None
    currency: Name | None = None
    track_history: Flag = True


class Portfolio(Component):
    """The account of the run."""

    class_: Annotated[str, Leaf(ClassName(("Portfolio",)))] = Field("Portfolio", alias="class")
    params: PortfolioParams = PortfolioParams()


class RiskManager(Component):
    """Holds orders to limits; they are those of the section `risk`."""

    class_: Annotated[str, Leaf(ClassName(("RiskManager",)))] = Field("RiskManager", alias="class")
    params: dict[str, Any] = {}


class BrokerParams(Section):
    """The models, also as `execution.slippage` and `execution.commission`."""

    slippage_model: Annotated[Model | None, Leaf(ModelKind("slippage"))] = None
    commission_model: Annotated[Model | None, Leaf(ModelKind("commission"))] = None


class Broker(Component):
    """Executes the orders."""

    class_: Annotated[str, Leaf(ClassName(BROKERS))] = Field("SimulatedBroker", alias="class")
    params: BrokerParams = BrokerParams()


class Components(Section):
    """The parts of a backtest; only the strategy has no default."""

    data_handler: DataHandler = DataHandler()
    strategy: Strategy
    portfolio: Portfolio = Portfolio()
    risk_manager: RiskManager = RiskManager()
    broker: Broker = Broker()


class Backtest(Section):
    """One run of one strategy."""

    container_type: Annotated[str, Leaf(Choice(("backtest",)))] = "backtest"
    isolation_level: Isolation = "full"
    timeout_s: Positive | None = None
    memory_limit_per_container: Annotated[str | None, Leaf(Size())] = None
    components: Components


class Drawn(Section):
    """Trials drawn from the grid, whose pairs [low, high] of numbers are bounds and whose lists are values."""

    method: Annotated[str, Leaf(Choice(("random", "sobol")))] = "sobol"
    trials: Count
    seed: Annotated[int, Leaf(Number(minimum=0, whole=True))] = 0


class Optimization(Section):
    """Many runs over the section `grid`; the components are those of each run."""

    container_type: Annotated[str, Leaf(Choice(("optimization",)))] = "optimization"
    isolation_level: Isolation = "full"
    components: dict[str, Any] = {}
    parallelism: Annotated[str, Leaf(Choice(("thread", "process", "ray")))] = "thread"
    max_workers: Count | None = None
    container_pool_size: Count | None = None
    memory_limit_per_container: Annotated[str | None, Leaf(Size())] = None
    memory_limit: Annotated[str | None, Leaf(Size())] = None
    metric: Name = "sharpe"
    sampler: Drawn | None = None
    limit: Count | None = None


class LiveStrategy(Section):
    """One strategy of several, with capital and limits of its own."""

    strategy_class: Name
    strategy_params: dict[str, Any] = {}
    allocated_capital: Positive | None = None
    max_position_size: Positive | None = None
    max_portfolio_risk: Positive | None = None
    max_portfolio_heat: Positive | None = None
    symbol: Name | None = None
    thread_group: Name | None = None


class LiveVenue(Section):
    """Where orders go.

    `local`: an exchange on this machine, with the bars of `data` and scripted faults; `local_alpaca`: the same in
    Alpaca's protocol, with faults of its stream too. `alpaca`: Alpaca itself, its paper account unless the addresses
    say otherwise; the keys come from APCA_API_KEY_ID and APCA_API_SECRET_KEY, or from `keys_file`.
    """

    kind: Annotated[str, Leaf(Choice(("local", "local_alpaca", "alpaca")))] = "local"
    currency: Name = "USD"
    faults: dict[int, Name] = {}
    stream_faults: dict[int, Name] = {}
    url: Name | None = None
    stream_url: Name | None = None
    data_url: Name | None = None
    keys_file: Name | None = None


class LiveFeed(Section):
    """Where bars come from in place of `data`: trades of a file, bars of a WebSocket, or trades of one.

    Trades become bars of `frequency`, closed `wait_s` seconds of their own time after their end.
    """

    kind: Annotated[str, Leaf(Choice(FEEDS))]
    path: Name | None = None
    url: Name | None = None
    token_variable: Name | None = None
    symbols: SymbolList | None = None
    frequency: Name | None = None
    wait_s: Annotated[float, Leaf(Number(minimum=0.0))] = 0.0


class LiveTrading(Section):
    """Trading as time goes by: one strategy under `components`, or several under `strategies`, by id.

    `event_log`: what happens in each container goes to a file of the output folder, for admf replay. `shadow`: the
    backtest of the same bars goes beside each strategy, and what differs is reported. `speed`:
    historical bars come as fast as they are taken, in real time, or that many times as fast.
    """

    container_type: Annotated[str, Leaf(Choice(("live",)))] = "live"
    isolation_level: Isolation = "full"
    components: dict[str, Any] = {}
    strategies: dict[str, LiveStrategy] = {}
    venue: LiveVenue | None = None
    feed: LiveFeed | None = None
    thread_model: Annotated[str, Leaf(Choice(LIVE_THREADS))] = "ASYNC_SINGLE"
    speed: Annotated[str | float, Leaf(Speed())] = "fast"
    event_log: Flag = True
    shadow: Flag = False
    monitoring_enabled: Flag = True
    health_check_interval: Positive = 60.0
    error_handling: Annotated[str | None, Leaf(Choice(("graceful", "stop")))] = None
    failures_max: Count = 3
    on_failure: Annotated[str, Leaf(Choice(("hold", "flatten")))] = "hold"
    stall_timeout_s: Positive = 30.0
    reconciliation_interval: Positive | None = None


class Output(Section):
    """What is kept, and the folder it is written to."""

    folder: Name | None = None
    record: Annotated[RecordLevel, Leaf(Choice(get_args(RecordLevel)))] = "full"


def value_section(value: type[Value], defaults: Value, **more: Any) -> type[Section]:
    """The section whose fields are those of a value class."""
    fields = {name: (Annotated[Any, Leaf(kind)], plain(getattr(defaults, name))) for name, kind in value.KINDS.items()}
    return create_model(value.__name__, __base__=Section, __doc__=value.__doc__, **(more | fields))


PRESET = Annotated[Any, Leaf(Choice(tuple(PRESETS)))]
ExecutionSection = value_section(Execution, Execution(), preset=(PRESET, None))
AccountSection = value_section(Account, Account())
RiskSection = value_section(Risk, Risk())


FillModels = dict[str, dict[str, Any]]


def named(models: Any) -> Any:
    """A list of presets as rules by name; anything else as it is."""
    if isinstance(models, list) and all(isinstance(name, str) for name in models):
        return {name: {"preset": name} for name in models}
    return models


class Root(Section):
    """A whole configuration: exactly one of `backtest`, `optimization`, `live_trading`, and what they share.

    `fill_models` are rules by name, each a mapping as `execution` is, or a list of presets, for `admf compare-fills`.
    """

    backtest: Backtest | None = None
    optimization: Optimization | None = None
    live_trading: LiveTrading | None = None
    data: Data = Data()
    instruments: dict[str, InstrumentRules] = {}
    execution: ExecutionSection = ExecutionSection()  # type: ignore[valid-type]  # made from the table of kinds
    account: AccountSection = AccountSection()  # type: ignore[valid-type]
    risk: RiskSection = RiskSection()  # type: ignore[valid-type]
    grid: dict[str, Any] = {}
    fill_models: Annotated[FillModels, BeforeValidator(named, json_schema_input_type=FillModels | list[str])] = {}
    output: Output = Output()
