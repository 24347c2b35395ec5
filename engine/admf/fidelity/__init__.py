"""How much fills depend on the rules, and how wrong they are: comparison, attribution, fidelity against finer bars."""

from admf.fidelity.calibration import Calibration, calibrate_slippage
from admf.fidelity.coarser import aggregate
from admf.fidelity.compare import FillComparison, compare_fills
from admf.fidelity.streams import STREAMS, Stream
from admf.fidelity.truth import Fidelity, fill_fidelity

__all__ = [
    "STREAMS",
    "Calibration",
    "Fidelity",
    "FillComparison",
    "Stream",
    "aggregate",
    "calibrate_slippage",
    "compare_fills",
    "fill_fidelity",
]
