"""What a fill is and what an account holds, as values: `Execution`, `Account`, and the models they carry."""

from admf import commission, slippage
from admf.execution.account import Account
from admf.execution.presets import PRESETS
from admf.execution.risk import Risk
from admf.execution.rules import Execution

__all__ = ["PRESETS", "Account", "Execution", "Risk", "commission", "slippage"]
