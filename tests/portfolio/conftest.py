"""Every worked example is run on every path."""

import pytest

from paths_support import PATHS
from played import Play, on_path


@pytest.fixture(params=list(PATHS))
def play(request: pytest.FixtureRequest) -> Play:
    return on_path(request.param)
