"""What tests of strategies and brokers need: an exchange on this machine."""

from admf.testing.exchange import ExchangeFeed, LocalExchange

__all__ = ["ExchangeFeed", "LocalExchange"]
