"""Environments over the core: gymnasium's own checker, equal bits by seed, alone or among thousands."""

from typing import Any

import numpy as np
import pytest

import admf
from admf.embed import Core
from admf.errors import AdmfError

gymnasium = pytest.importorskip("gymnasium", reason="pip install admf-engine[gymnasium]")

from gymnasium.utils.env_checker import check_env  # noqa: E402

from admf.adapters.gymnasium import TradingEnv, TradingVectorEnv  # noqa: E402

RULES = admf.Execution(slippage=admf.slippage.bps(1.0), commission=admf.commission.bps(2.0))


def market(bars: int = 1_500) -> admf.Market:
    return admf.Market(admf.generate(bars=bars, seed=7))


class Drawn:
    """A generator that always draws the same bar."""

    def __init__(self, bar: int) -> None:
        self.bar = bar

    def integers(self, low: int, high: int, size: int, endpoint: bool) -> np.ndarray:
        assert low <= self.bar <= high
        return np.full(size, self.bar)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of unbounded observations and no rendering
def test_it_passes_the_checker_of_gymnasium() -> None:
    check_env(TradingEnv(market(), execution=RULES), skip_render_check=True)


def test_equal_seeds_and_actions_are_equal_episodes() -> None:
    def played(seed: int) -> tuple[bytes, list[Any]]:
        env, random = TradingVectorEnv(market(), 50, episode_bars=40, execution=RULES), np.random.default_rng(3)
        first, _ = env.reset(seed=seed)
        seen, ends = [first], []
        for _ in range(100):
            seen_now, rewards, broke, over, _ = env.step(random.integers(0, 3, 50))
            seen += [seen_now, rewards]
            ends.append((broke.sum(), over.sum()))
        return b"".join(array.tobytes() for array in seen), ends

    assert played(1) == played(1)
    assert played(1)[0] != played(2)[0]
    assert sum(over for _, over in played(1)[1]) == 100  # 50 environments, two episodes each


def test_alone_or_among_others_an_episode_has_the_same_bits() -> None:
    count, bars = 40, 60
    many = TradingVectorEnv(market(), count, episode_bars=bars, execution=RULES)
    many.reset(seed=5)
    starts = many.episodes.starts.copy()
    actions = np.random.default_rng(1).integers(0, 3, (bars, count))
    rewards = [many.step(row)[1] for row in actions]
    for number in range(0, count, 7):
        alone = TradingEnv(market(), episode_bars=bars, execution=RULES)
        alone.reset(seed=0)
        alone.episodes.begin(np.zeros(1, np.int64), Drawn(int(starts[number])))  # type: ignore[arg-type]
        for bar in range(bars):
            observed, reward, broke, over, info = alone.step(actions[bar, number])
            assert reward == rewards[bar][number]
            assert (broke, over) == (False, bar == bars - 1)
        assert info["bar"] == starts[number] + bars
        assert observed.dtype == np.float32


def test_an_episode_is_what_the_core_does_with_those_orders() -> None:
    given = market()
    env = TradingEnv(given, episode_bars=100, execution=RULES, targets=(0.0, 0.5))
    env.reset(seed=9)
    start = int(env.episodes.starts[0])
    core = Core(given, execution=RULES)
    core.step(start + 1)
    for bar in range(100):
        action = int(bar % 10 < 4)
        before = core.equity
        if action and core.position() == 0.0:
            core.submit("buy", size_kind="equity_fraction", size=0.5)
        elif not action and core.position():
            core.submit("sell", core.position(), reduce_only=True)
        core.step()
        observed, reward, _, _, info = env.step(action)
        assert reward == core.equity / before - 1.0
        assert info["equity"] == core.equity
        close = given.arrays.close[:, 0]
        assert observed[-2] == np.float32(core.position() * close[start + 1 + bar] / core.equity)
        np.testing.assert_allclose(observed[15], np.log(close[start + 1 + bar] / close[start + bar]), rtol=1e-4)


def test_an_observation_knows_nothing_later() -> None:
    whole = market()
    columns = {name: getattr(whole.arrays, name)[:800, 0] for name in ("open", "high", "low", "close", "volume")}
    cut, full = TradingEnv(admf.Bars(columns), episode_bars=50), TradingEnv(whole, episode_bars=50)
    for env in (cut, full):
        env.reset(seed=0)
        env.episodes.begin(np.zeros(1, np.int64), Drawn(700))  # type: ignore[arg-type]
    for action in (2, 2, 0, 1, 2):
        assert cut.step(action)[0].tobytes() == full.step(action)[0].tobytes()


def test_an_account_that_is_broke_ends_its_episode() -> None:
    falling = 100.0 * 0.97 ** np.arange(200)
    bars = {"open": falling * 1.001, "high": falling * 1.01, "low": falling * 0.99, "close": falling}
    env = TradingEnv(
        admf.Bars(bars), targets=(0.0, 4.0), window=4, episode_bars=100, account=admf.Account(cash=10_000, leverage=5.0)
    )
    env.reset(seed=1)
    for _ in range(60):
        _, reward, broke, over, _ = env.step(1)
        if broke:
            break
    assert broke
    assert not over
    assert reward < -0.1
    with pytest.raises(AdmfError, match="no episode"):
        env.step(1)


def test_own_features_are_observed() -> None:
    features = np.arange(1_500 * 2, dtype=np.float64).reshape(-1, 2)
    env = TradingEnv(market(), features=features, episode_bars=10)
    observed, info = env.reset(seed=4)
    assert observed[:2].tolist() == features[info["bar"]].tolist()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"targets": [0.0]}, "targets"),
        ({"targets": [0.0, 2.0]}, "targets"),
        ({"window": 0}, "window"),
        ({"window": 1_500}, "window"),
        ({"episode_bars": 1_500}, "episode_bars"),
        ({"episode_bars": 0}, "episode_bars"),
        ({"features": np.zeros((3, 2))}, "features"),
        ({"features": np.full((1_500, 2), np.nan)}, "features"),
    ],
)
def test_bad_input_is_refused_with_words(options: dict[str, Any], words: str) -> None:
    with pytest.raises(AdmfError, match=words):
        TradingEnv(market(), **options)


def test_bad_actions_are_refused_with_words() -> None:
    alone, many = TradingEnv(market()), TradingVectorEnv(market(), 3)
    with pytest.raises(AdmfError, match="no episode"):
        alone.step(0)
    alone.reset(seed=0)
    many.reset(seed=0)
    for action in (3, -1, 0.5, "x"):
        with pytest.raises(AdmfError, match="no such action"):
            alone.step(action)
    for actions in ([0, 1], [0, 1, 3], [0.0, 1.0, 2.0], [-1, 0, 0]):
        with pytest.raises(AdmfError, match="actions"):
            many.step(actions)
