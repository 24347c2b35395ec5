"""The commands by name, in the order of --help."""

from cyclopts import App

import admf
from admf.cli import asking, comparing, measuring, proving, running, sweeping, trading

app = App(
    name="admf",
    version=lambda: admf.__version__,  # costs a while to find out
    help_format="plaintext",  # as does the machinery of the others
    suppress_keyboard_interrupt=False,  # what an interrupt means is said in one place
    help="Backtests trading strategies on real bars through a compiled order engine.",
    help_epilogue="Exit codes: 0 done, 1 the run failed, 2 bad input or usage, 130 interrupted. "
    "--debug shows the traceback of an error.",
)
for command in (
    running.run,
    running.simulate,
    running.report,
    running.check,
    sweeping.sweep,
    sweeping.plan,
    sweeping.replay,
    trading.paper,
    trading.live,
    trading.status,
    comparing.compare_fills,
    comparing.fill,
    measuring.fidelity,
    measuring.calibrate,
    asking.data,
    asking.info,
    asking.warmup,
    asking.cases,
    proving.verify_isolation,
):
    app.command(command, sort_key=len(list(app)))
