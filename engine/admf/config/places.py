"""Where values belong that may also be written at another place."""

COMPONENTS = "backtest.components"
STRATEGY = f"{COMPONENTS}.strategy"
# Flat keys of `run_backtest` and parameters of components → where the value belongs.
PLACES = {
    "symbols": "data.symbols",
    "start_date": "data.start",
    "end_date": "data.end",
    "strategy_class": f"{STRATEGY}.class",
    "strategy_params": f"{STRATEGY}.params",
    "initial_cash": "account.cash",
    "currency": "account.currency",
    "risk_params": "risk",
    "slippage_model": "execution.slippage",
    "commission_model": "execution.commission",
    f"{COMPONENTS}.data_handler.params.symbols": "data.symbols",
    f"{COMPONENTS}.data_handler.params.start_date": "data.start",
    f"{COMPONENTS}.data_handler.params.end_date": "data.end",
    f"{COMPONENTS}.portfolio.params.initial_cash": "account.cash",
    f"{COMPONENTS}.portfolio.params.currency": "account.currency",
    f"{COMPONENTS}.risk_manager.params": "risk",
    f"{COMPONENTS}.broker.params.slippage_model": "execution.slippage",
    f"{COMPONENTS}.broker.params.commission_model": "execution.commission",
}
