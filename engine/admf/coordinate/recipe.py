"""`Recipe`: a configuration as what a container is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from admf.components.data import select
from admf.config import Config, load_config
from admf.config.document import Source
from admf.data import Market
from admf.errors import ConfigError
from admf.events import EventStrategy
from admf.run.loop import first_rows
from admf.strategy import CompiledStrategy
from admf_kernels.arena import Sizes
from admf_kernels.codes import Record

if TYPE_CHECKING:
    from pathlib import Path

Specs = tuple[Mapping[str, Any], ...]
MARKET_DATA = "market_data"


@dataclass(frozen=True)
class Recipe:
    """What the containers of one configuration are made of; `market` is the part of the bars that it asks for."""

    config: Config
    market: Market
    record: str
    close_positions: bool = True

    @classmethod
    def read(
        cls,
        source: "Source | Config",
        services: Mapping[str, Any],
        *,
        folder: "str | Path | None" = None,
        record: str | None = None,
    ) -> "Recipe":
        """From a file, a mapping, or what `load_config` has made of them; the bars from it, else from `market_data`.

        Raises ConfigError that lists every fault, DataError for bars that cannot be used.
        """
        if isinstance(source, Config):
            config = source
        else:
            needs = ("strategy",) if MARKET_DATA in services else ("strategy", "data")
            config = load_config(source, folder=folder, needs=needs)
        if config.strategy is None:
            raise ConfigError("no strategy", field="backtest.components.strategy", remedy="name its class")
        return cls(config, find_market(config, services), record or config.record)

    @cached_property
    def specs(self) -> Specs:
        """The components, in the order in which they are made."""
        config = self.config
        assert config.root.backtest is not None
        parts = config.root.backtest.components
        handler = parts.data_handler.params
        cached = {} if handler.cache_size is None else {"cache_size": handler.cache_size}
        broker = {"close_positions": self.close_positions}
        if parts.broker.class_ == "SimulatedBroker":
            broker |= {"execution": config.execution, "record": self.record}  # type: ignore[dict-item]
        portfolio = {"account": config.account, "track_history": parts.portfolio.params.track_history}
        return (
            spec("data_handler", parts.data_handler.class_, {"enable_splits": handler.enable_splits, **cached}),
            spec("strategy", type(config.strategy), self.strategy.parameters),
            spec("portfolio", parts.portfolio.class_, portfolio),
            spec("risk_manager", parts.risk_manager.class_, config.risk.to_dict()),
            spec("broker", parts.broker.class_, broker),
        )

    @property
    def strategy(self) -> CompiledStrategy | EventStrategy:
        """The strategy that the configuration names; each container makes its own."""
        assert self.config.strategy is not None
        return self.config.strategy

    def services(self) -> dict[str, Any]:
        """What all its containers share."""
        return {MARKET_DATA: self.market}

    def arena_bytes(self) -> int:
        """Memory of the arena before the first bar, by arithmetic."""
        compiled = isinstance(self.strategy, CompiledStrategy)
        level = Record[self.record.upper()] if compiled else Record.FULL
        bars, symbols = self.market.bar_count, self.market.symbol_count
        rows = first_rows(bars, 0, self.strategy.orders_per_bar_max, symbols, level)
        return Sizes(symbols, bars if level != Record.SUMMARY else 0, rows, level).bytes()


def spec(name: str, kind: Any, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One component as `create_component` takes it."""
    return {"name": name, "class": kind, "params": params}


def find_market(config: Config, services: Mapping[str, Any]) -> Market:
    """The bars of a configuration: its own, else what it asks for of the shared ones."""
    data = config.root.data
    if data.path is not None or data.generate is not None:
        return config.market()
    if MARKET_DATA not in services:
        raise ConfigError("no bars", field="data", allowed="data.path, data.generate, or the service market_data")
    asked = data.symbols if data.symbols is not None else data.symbol
    symbols = (asked,) if isinstance(asked, str) else asked
    market = select(services[MARKET_DATA], symbols, data.start, data.end)
    rules = config.instruments()
    return market if rules is None else market.with_instruments(rules)
