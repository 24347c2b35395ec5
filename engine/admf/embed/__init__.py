"""The fast core under other front ends: one account that is stepped, or thousands in one call.

The loop belongs to the caller; what a fill is stays with the kernels. Pages: core.md, data.md, c.md beside this file.
"""

from admf.embed.core import Core
from admf.embed.cores import Cores, requests
from admf.embed.sharing import share
from admf.embed.snapshot import Snapshot
from admf_kernels.c_header import c_header
from admf_kernels.exported import api_address

__all__ = ["Core", "Cores", "Snapshot", "api_address", "c_header", "requests", "share"]
