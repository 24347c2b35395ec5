"""A compiled strategy on bars as they come: the loop of the backtest, resumed for each bar."""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from admf.live.bars import LiveMarket
from admf.results import RunRecords
from admf.run.compiled import make_call
from admf.run.entry import Run
from admf.run.loop import Loop
from admf.strategy import CompiledStrategy
from admf_kernels.codes import BarFlag, RunStatus
from admf_kernels.laws.statistics import sample
from admf_kernels.run import close_out

LAST = BarFlag.SESSION_LAST.value


class CompiledSteps(Loop):
    """One compiled strategy between the bars.

    After the last bar the end of the data is played by the same laws as plain Python: which bar is the last one is
    known only after it.
    """

    def __init__(self, market: LiveMarket, run: Run) -> None:
        """`run` is over `market`."""
        strategy: Any = run.strategy
        assert isinstance(strategy, CompiledStrategy)
        state = run.state()
        call = make_call(
            run.hooks(), run.strategy_record(), market.arrays, state, run.orders_per_bar_max, debug=run.debug
        )
        super().__init__(market.arrays, state, call, run.orders_per_bar_max)
        self._run, self._live = run, market
        self._started_s = time.perf_counter()

    def play(self, bar: int) -> None:
        """Plays a bar that has been written. Raises CapacityError, StrategyError."""
        while True:
            self._call(self.market, self.state, bar, bar + 1)
            status = RunStatus(int(self.state.account[0].status))
            if status is not RunStatus.NEED_ROOM:
                break
            self._make_room()
        if status not in (RunStatus.RUNNING, RunStatus.DONE):
            self._fail(status)

    def finish(self) -> None:
        """The end of the data after the bar played last."""
        bar, account = self._live.taken - 1, self.state.account[0]
        if bar >= 0:
            with np.errstate(all="ignore"):
                close_out(self.market, self.state, bar, False)  # noqa: FBT003 -- a law
                if self.state.config[0].sample_sessions and not self.market.flags[bar, 0] & LAST:
                    sample(account, account.equity)
        self._take_logs(int(account.fill_count))
        self._take_orders(keep=0)

    def left(self) -> RunRecords:
        """What the run has left, on the bars that came."""
        run = replace(self._run, market=self._live.history())
        return run.records(self, time.perf_counter() - self._started_s)
