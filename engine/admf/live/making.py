"""How the container of a live strategy is put together."""

from collections.abc import Mapping
from typing import Any

from admf.container import ContainerFactory
from admf.live.bars import Facts
from admf.live.components import MARKET_FACTS, LiveDataHandler, LiveRiskManager, PaperBroker, VirtualPortfolio
from admf.live.settings import Care, StrategySettings
from admf.live.strategy_container import LiveStrategyContainer
from admf.replay import Recorder


def make_container(
    settings: StrategySettings,
    facts: Facts,
    care: Care,
    recorder: Recorder | None = None,
    factory: ContainerFactory | None = None,
) -> LiveStrategyContainer:
    """A container that is initialised and not started; torn down where something in it fails."""
    container = (factory or ContainerFactory()).create(container_id=f"live_{settings.strategy_id}")
    try:
        for spec in specs_of(settings):
            container.create_component(spec)
        container.register_shared_service(MARKET_FACTS, facts)
        container.initialize_scope()
        return LiveStrategyContainer(container.container_id, container, settings, facts, care, recorder)
    except BaseException as error:
        container.abandon(error)
        raise


def specs_of(settings: StrategySettings) -> list[dict[str, Any]]:
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
    return [{"name": name, "class": kind, "params": params} for name, (kind, params) in parts.items()]
