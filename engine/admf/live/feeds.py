"""The feed of a configuration: its bars on a clock, trades of a file, or a WebSocket."""

from collections.abc import Callable
from typing import Any

from admf.config import Config
from admf.data import Instrument, Market
from admf.errors import ConfigError
from admf.live.feed import HistoricalFeed, MarketDataFeed
from admf.live.router import read_token
from admf.live.tick_files import HistoricalTicks
from admf.live.ticks import TickBars
from admf.live.websocket import WebSocketFeed

NEEDED = {"ticks": ("path", "frequency"), "websocket": ("url", "symbols"),
          "websocket_ticks": ("url", "symbols", "frequency")}  # fmt: skip


def make_feed(config: Config, load_market: Callable[[Config], Market]) -> MarketDataFeed:
    """What `live_trading.feed` says, else the bars of `data`; ConfigError, DataError where that is not possible."""
    section = config.root.live_trading
    if section is None:
        remedy = "give it a section live_trading with strategies"
        raise ConfigError("is not for trading as time goes by", field="config", allowed="live_trading", remedy=remedy)
    speed = None if section.speed == "fast" else float(section.speed)
    given = section.feed
    if given is None:
        return HistoricalFeed(load_market(config), speed)
    for name in NEEDED[given.kind]:
        if getattr(given, name) is None:
            raise ConfigError("missing", field=f"live_trading.feed.{name}", remedy=f"kind {given.kind} needs it")
    instruments = instruments_of(config, given.symbols or ())
    if given.kind == "ticks":
        symbol = given.symbols[0] if given.symbols else None
        ticks = HistoricalTicks(config.folder / str(given.path), symbol, speed=speed, instruments=instruments)
        return TickBars(ticks, str(given.frequency), given.wait_s)
    socket = open_socket(given, instruments)
    return socket if given.kind == "websocket" else TickBars(socket, str(given.frequency), given.wait_s)


def instruments_of(config: Config, symbols: tuple[str, ...]) -> list[Instrument]:
    """Trading rules of the symbols, those without any among them."""
    known = {instrument.symbol: instrument for instrument in config.instruments() or ()}
    return [*known.values(), *(Instrument(name) for name in symbols if name not in known)]


def open_socket(given: Any, instruments: list[Instrument]) -> WebSocketFeed:
    """A WebSocket with its key, which comes from the environment."""
    variable = given.token_variable
    headers = {} if variable is None else {"Authorization": f"Bearer {read_token(variable)}"}
    frequency = given.frequency if given.kind == "websocket" else None
    return WebSocketFeed(str(given.url), instruments, frequency=frequency, headers=headers)
