"""How much fills depend on the rules, and how wrong they are: comparison, attribution, fidelity against finer bars."""

from admf.fidelity.coarser import aggregate
from admf.fidelity.compare import FillComparison, compare_fills
from admf.fidelity.truth import Fidelity, Stream, fill_fidelity

__all__ = ["Fidelity", "FillComparison", "Stream", "aggregate", "compare_fills", "fill_fidelity"]
