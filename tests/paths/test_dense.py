"""Dense random cases in every lane: without a compiler, and with every access checked."""

from fuzzing.running import campaign

ORDER_BARS = 600


def test_dense_cases_agree() -> None:
    tally, divergence = campaign("every lane", ORDER_BARS)
    assert divergence is None
    assert tally.order_bars >= ORDER_BARS
