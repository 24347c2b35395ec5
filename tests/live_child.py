"""A process that others kill: on each line `run` it forks one that trades until the bars end, and says its number.

`live_child.py KIND FOLDER URL [STREAM_URL DATA_URL]`, KIND `native` or `alpaca`. It forks because the imports take
longer than the session.
"""

import os
import sys
from pathlib import Path
from typing import Any

import admf
from admf.live import Care, Facts, FeedBar, HttpRouter
from admf.live.making import Venue, make_container
from admf.testing.exchange import TOKEN
from live_support import BuysAndCancels, settings

LIMITS = settings("one", BuysAndCancels(), risk=admf.Risk(max_position_size=60))
FACTS = Facts(admf.Instrument("SYM"))


def native(folder: Path, url: str) -> None:
    router = HttpRouter(url, TOKEN)
    one = make_container(LIMITS, FACTS, Care(), venue=Venue(router, folder))
    one.start()
    while (bar := router.step()) is not None:
        one.take([FeedBar(*bar)])
    one.container.resolve("broker").hear()
    one.teardown()


def alpaca(folder: Path, url: str, stream_url: str, data_url: str) -> None:
    from admf.live.alpaca import AlpacaClient
    from admf.live.alpaca_streams import AlpacaFeed
    from admf.live.venue import VenueRouter
    from admf.testing.alpaca import KEYS

    with VenueRouter(AlpacaClient(KEYS, url, stream_url), folder, 0.05) as router:
        one = make_container(LIMITS, FACTS, Care(), venue=Venue(router, folder))
        one.start()
        for bar in AlpacaFeed(KEYS, [FACTS.instrument], data_url):
            one.take([bar])


def main(kind: str, folder: str, *urls: str) -> None:
    trade: Any = {"native": native, "alpaca": alpaca}[kind]
    if kind == "alpaca":
        from admf.live.alpaca_streams import library

        library()
    print("ready", flush=True)
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            trade(Path(folder), *urls)
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
