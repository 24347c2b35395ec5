"""`Recipe`: a configuration as what a container is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from admf.components.data import select
from admf.config import Config, load_config
from admf.config.document import Source
from admf.container import ComponentRegistry
from admf.container.registry import parameters_of
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
        made = cls(config, find_market(config, services), record or config.record)
        made.refuse_unheard()
        return made

    @cached_property
    def specs(self) -> Specs:
        """The components, in the order in which they are made."""
        config = self.config
        assert config.root.backtest is not None
        parts = config.root.backtest.components
        handler = parts.data_handler.params
        cached = {} if handler.cache_size is None else {"cache_size": handler.cache_size}
        given: dict[str, dict[str, Any]] = {
            "data_handler": {"enable_splits": handler.enable_splits, **cached},
            "portfolio": {"account": config.account, "track_history": parts.portfolio.params.track_history},
            "risk_manager": config.risk.to_dict(),
            "broker": {
                "execution": config.execution, "close_positions": self.close_positions, "record": self.record,
            },
        }  # fmt: skip
        made = [spec("strategy", type(self.strategy), self.strategy.parameters)]
        for name, values in given.items():
            part = getattr(parts, name)
            kind = self.registry.find(part.class_, f"backtest.components.{name}.class")
            taken = parameters_of(kind)  # type: ignore[arg-type]  # a class is hashable
            fits = {key: value for key, value in values.items() if taken.any_name or key in taken.known}
            made.append(spec(name, kind, {**fits, **part.own}))
        return tuple(made)

    @cached_property
    def registry(self) -> ComponentRegistry:
        """Classes by name; those of the user's own beside the configuration."""
        return ComponentRegistry(folder=self.config.folder)

    def refuse_unheard(self) -> None:
        """ConfigError for components that a compiled run would not ask."""
        assert self.config.root.backtest is not None
        parts = self.config.root.backtest.components
        if isinstance(self.strategy, CompiledStrategy) and ":" in parts.risk_manager.class_:
            raise ConfigError(
                "a compiled run holds to the limits of `risk` alone",
                field="backtest.components.risk_manager.class",
                found=parts.risk_manager.class_,
                allowed="RiskManager",
                remedy="use the strategy's twin on the bus (admf.EventStrategy)",
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
