"""Routers that a test has opened hang up after it."""

from collections.abc import Iterator

import pytest

from live_support import ROUTERS


@pytest.fixture(autouse=True)
def hang_up() -> Iterator[None]:
    yield
    while ROUTERS:
        ROUTERS.pop().close()
