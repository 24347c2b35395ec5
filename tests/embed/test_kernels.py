"""The kernels' own door: defaults, many accounts in one call, each isolated."""

import numpy as np
import pytest

import admf
from admf_kernels.embed import default_config
from admf_kernels.records import config_dt


def test_the_defaults_are_those_of_the_package() -> None:
    rules = admf.Execution().cast(
        admf.Account(cash=5_000.0),
        bar_count=7,
        has_volume=True,
        close_positions=True,
        sample_sessions=False,
        record="full",
    )
    ours = default_config(7, 5_000.0)
    for name in config_dt.names or ():
        np.testing.assert_array_equal(ours[name], rules[name], err_msg=name)
    assert pytest.approx(5_000.0) == ours[0].initial_cash
