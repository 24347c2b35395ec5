"""The passes a law needs: numba's pipeline without those for closures, array expressions, `with` and unrolling.

Laws are scalar code on records; the passes left out would walk the code of each law and change nothing, which is a
tenth of the compile time of the engine's kernel.
"""

from typing import Any

from numba.core.compiler import CompilerBase
from numba.core.compiler_machinery import PassManager
from numba.core.typed_passes import (
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.untyped_passes import FixupArgs, IRProcessing, ReconstructSSA, TranslateByteCode

PASSES = (
    (TranslateByteCode, "analyse bytecode"),
    (FixupArgs, "fix up arguments"),
    (IRProcessing, "process IR"),
    (ReconstructSSA, "single assignment"),
    (NopythonTypeInference, "infer types"),
    (PreLowerStripPhis, "strip phis"),
    (IRLegalization, "legalise"),
    (NativeLowering, "lower"),
    (NoPythonBackend, "finish"),
)


class LawCompiler(CompilerBase):
    """Numba's compiler with the passes above."""

    def define_pipelines(self) -> list[Any]:
        """One pipeline, no fallback."""
        manager = PassManager("law")
        for compiler_pass, description in PASSES:
            manager.add_pass(compiler_pass, description)
        manager.finalize()
        return [manager]
