"""A process that trades at an exchange of another one until its bars end, or until it is killed: URL, folder."""

import sys
from pathlib import Path

import admf
from admf.live import Care, Facts, FeedBar, HttpRouter
from admf.live.making import Venue, make_container
from admf.testing.exchange import TOKEN
from live_support import BuysEveryBar, settings


def main(url: str, folder: str) -> None:
    router = HttpRouter(url, TOKEN)
    limits = settings("one", BuysEveryBar(), risk=admf.Risk(max_position_size=60))
    one = make_container(limits, Facts(admf.Instrument("SYM")), Care(), venue=Venue(router, Path(folder)))
    one.start()
    while (bar := router.step()) is not None:
        one.take([FeedBar(*bar)])
    one.container.resolve("broker").hear()
    one.teardown()
    router.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
