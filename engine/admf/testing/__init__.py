"""What tests of strategies and brokers need: an exchange on this machine."""

from admf.testing.alpaca import AlpacaExchange
from admf.testing.exchange import ExchangeFeed, LocalExchange

__all__ = ["AlpacaExchange", "ExchangeFeed", "LocalExchange"]
