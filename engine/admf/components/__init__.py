"""What lives in a container: bars, books, limits, brokers."""

from admf.components.data import HistoricalDataHandler
from admf.components.orders import OrderManager
from admf.components.passthrough import PassthroughBroker
from admf.components.portfolio import Portfolio
from admf.components.protocol import Broker
from admf.components.risk import RiskManager
from admf.components.simulated import SimulatedBroker
from admf.components.validator import OrderValidator
from admf.events import EventStrategy

__all__ = [
    "Broker",
    "EventStrategy",
    "HistoricalDataHandler",
    "OrderManager",
    "OrderValidator",
    "PassthroughBroker",
    "Portfolio",
    "RiskManager",
    "SimulatedBroker",
]
