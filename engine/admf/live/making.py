"""How the container of a live strategy is put together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from admf.container import ContainerFactory
from admf.live.bars import Facts
from admf.live.broker import JOURNAL, ORDER_ROUTER, LiveBroker
from admf.live.components import MARKET_FACTS, LiveDataHandler, LiveRiskManager, PaperBroker, VirtualPortfolio
from admf.live.journal import Journal
from admf.live.router import OrderRouter
from admf.live.settings import Care, StrategySettings
from admf.live.strategy_container import LiveStrategyContainer
from admf.replay import Recorder


class Venue(NamedTuple):
    """Where orders go, and the folder of the journals."""

    router: OrderRouter
    folder: Path


def make_container(
    settings: StrategySettings,
    facts: Facts,
    care: Care,
    recorder: Recorder | None = None,
    factory: ContainerFactory | None = None,
    venue: Venue | None = None,
) -> LiveStrategyContainer:
    """A container that is initialised and not started; torn down where something in it fails.

    With a `venue` its orders go there, else they fill on paper.
    """
    container = (factory or ContainerFactory()).create(container_id=f"live_{settings.strategy_id}")
    try:
        for spec in specs_of(settings, live=venue is not None):
            container.create_component(spec)
        if venue is not None:
            journal = Journal(venue.folder / f"{settings.strategy_id}.journal", settings.strategy_id)
            container.register_shared_service(ORDER_ROUTER, venue.router)
            container.register_shared_service(JOURNAL, journal)
        container.register_shared_service(MARKET_FACTS, facts)
        container.initialize_scope()
        return LiveStrategyContainer(container.container_id, container, settings, facts, care, recorder)
    except BaseException as error:
        container.abandon(error)
        raise


def specs_of(settings: StrategySettings, *, live: bool = False) -> list[dict[str, Any]]:
    """The components of a strategy."""
    strategy, account = settings.strategy, settings.account
    books = {"strategy_id": settings.strategy_id, "initial_capital": account.cash, "currency": account.currency}
    parts: dict[str, tuple[Any, Mapping[str, Any]]] = {
        "strategy": (type(strategy), strategy.parameters),
        "data_handler": (LiveDataHandler, {}),
        "portfolio": (VirtualPortfolio, {**books, "account": account}),
        "risk_manager": (LiveRiskManager, settings.risk.to_dict()),
        "broker": (PaperBroker, {"execution": settings.execution, "record": settings.record}),
    }
    if live:
        parts["broker"] = LiveBroker, {"strategy_id": settings.strategy_id, "order_router": ORDER_ROUTER}
    return [{"name": name, "class": kind, "params": params} for name, (kind, params) in parts.items()]
