"""Orders in: the checked script behind `simulate`."""

from admf.orders.door import read_orders
from admf.orders.script import BadOrder, Script

__all__ = ["BadOrder", "Script", "read_orders"]
