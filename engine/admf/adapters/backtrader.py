"""A broker for backtrader's `Cerebro` that fills by this core: `cerebro.broker = CoreBroker(execution=rules)`.

Orders, positions, notifications and analyzers are backtrader's own; each bar that Cerebro brings is pushed into the
core, which decides what fills. With the preset `backtrader`, the default, executions are those of its own broker.
"""

from math import isnan, nan
from typing import Any

import backtrader as bt
import numpy as np
from backtrader.brokers.bbroker import BackBroker

from admf.embed import Core
from admf.errors import ConfigError
from admf.execution import Account, Execution
from admf_kernels.codes import OrderEvent
from admf_kernels.records import fill_dt, transition_dt

VALIDATE, REFUSE, DENY = OrderEvent.VALIDATE.value, OrderEvent.REFUSE.value, OrderEvent.DENY.value
FILLS = (OrderEvent.FILL.value, OrderEvent.COMPLETE.value)
COMPLETE, FUNDS_FAIL = OrderEvent.COMPLETE.value, OrderEvent.FUNDS_FAIL.value
ENDS = (OrderEvent.CANCEL.value, OrderEvent.EXPIRE.value)
FILL_FIELDS, TRANSITION_FIELDS = fill_dt.names or (), transition_dt.names or ()
ROWS_KEPT = 4_096  # rows of the log that were read and are dropped together
COLUMNS = ("open", "high", "low", "close", "volume")
OWN_RULES = ("filler", "slip_perc", "slip_fixed", "coc", "coo")


class CoreBroker(BackBroker):
    """backtrader's broker with a core in the place of its matching.

    `execution` are the rules, costs among them: the preset `backtrader` where None; `cash` and `setcash` as ever.
    ConfigError for what the rules already say (`setcommission`, slippage, fillers, cheat-on-close) and for orders of
    type Close, which need to know the end of a session.
    """

    params = (("execution", None),)

    def init(self) -> None:
        """Before each run."""
        super().init()
        for name in OWN_RULES:
            if getattr(self.p, name):
                remedy = "give CoreBroker(execution=…) the rules and the costs"
                raise ConfigError(
                    "the core fills by its own rules", field=name, found=getattr(self.p, name), remedy=remedy
                )
        self._core: Core | None = None
        self._outbox: list[Any] = []
        self._numbers: dict[int, int] = {}  # by backtrader's ref
        self._known: dict[int, Any] = {}  # orders that live, by the core's number
        self._groups: dict[Any, int] = {}  # by the ref of the order that leads
        self._lengths: dict[Any, int] = {}

    def setcommission(self, *arguments: Any, **options: Any) -> None:
        """Refused: fees are rules."""
        remedy = (
            "CoreBroker(execution=admf.Execution.preset('backtrader').replace(commission=admf.commission.pct(0.001)))"
        )
        raise ConfigError("fees are rules of the core", field="setcommission", remedy=remedy)

    addcommissioninfo = setcommission

    # ---------------------------------------------------------------------------------------------------------- orders

    def transmit(self, order: Any, check: bool = True) -> Any:
        """Takes an order; it reaches the core when the next bar comes, so that its group is complete."""
        kind_of(order)
        order.submit()
        self.orders.append(order)
        self.pending.append(order)
        self.notify(order)
        self._outbox.append(order)
        return order

    def cancel(self, order: Any, bracket: bool = False) -> bool:
        """Takes back an order and those that hang on it."""
        if order not in self.pending:
            return False
        self._end(order, order.cancel)
        for other in self._relatives(order):
            self._end(other, other.cancel)
        return True

    def _end(self, order: Any, tell: Any) -> None:
        """An order that backtrader's side ends."""
        self.pending.remove(order)
        if order in self._outbox:
            self._outbox.remove(order)
        elif self._core is not None:
            number = self._numbers[order.ref]
            self._core.cancel(number)
            self._known.pop(number, None)
        tell()
        self.notify(order)

    def _relatives(self, order: Any) -> list[Any]:
        """What ends with an order: its group, its children, the other children of its parent."""
        leader, family = self._ocos.get(order.ref), getattr(order.parent, "ref", order.ref)
        return [
            other
            for other in self.pending
            if (self._ocos.get(other.ref) == leader and len(self._ocol.get(leader, ())) > 1)
            or (other.parent is not None and other.parent.ref == family)
        ]

    def _send(self, order: Any) -> None:
        """One order as the core takes it."""
        core, ask = self._core, order.created
        assert core is not None
        asked: dict[str, Any] = {"type": kind_of(order), "symbol": f"{self.cerebro.datas.index(order.data)}"}
        if order.exectype in (bt.Order.Stop, bt.Order.StopLimit):
            asked["stop_price"] = ask.price
        if order.exectype in (bt.Order.Limit, bt.Order.StopLimit):
            asked["limit_price"] = ask.price if order.exectype == bt.Order.Limit else ask.pricelimit
        if order.exectype in (bt.Order.StopTrail, bt.Order.StopTrailLimit):
            asked["trail_amount"] = order.trailamount or None
            asked["trail_percent"] = order.trailpercent * 100.0 if order.trailpercent else None
        if order.exectype == bt.Order.StopTrailLimit:
            asked["limit_offset"] = abs(ask.price - ask.pricelimit)
        leader = self._ocos[order.ref]
        if order.parent is not None:
            asked["parent"] = self._numbers[order.parent.ref]
            leader = ("children", order.parent.ref)
        asked["oco"] = self._groups.setdefault(leader, 0) or core.new_group()
        self._groups[leader] = asked["oco"]
        side = "buy" if order.isbuy() else "sell"
        number = core.submit(side, abs(order.size), oco_reduce=False, **asked)
        self._numbers[order.ref], self._known[number] = number, order

    # ------------------------------------------------------------------------------------------------------------ bars

    def next(self) -> None:
        """The bar that Cerebro has brought: orders go out, the core plays it, its news are told."""
        if self._core is None:
            self._core = self._make_core()
        for order in [order for order in self.pending if order.ref in self._numbers]:
            if order in self.pending and order.expire():
                self._end(order, lambda: None)
                for other in self._relatives(order):
                    self._end(other, other.cancel)
        for order in self._outbox:
            order.addcomminfo(self.getcommissioninfo(order.data))
            if order.parent is None or order.parent.ref in self._numbers:
                self._send(order)
        self._outbox.clear()
        self._push()
        self._tell()
        self.cash = self._core.cash
        self._get_value()

    def _make_core(self) -> Core:
        rules = self.p.execution or Execution.preset("backtrader")
        symbols = [str(place) for place in range(len(self.cerebro.datas))]
        return Core(symbols=symbols, execution=rules, account=Account(cash=float(self.p.cash)))

    def _push(self) -> None:
        """The bar of each feed; of one that has none this time no prices."""
        assert self._core is not None
        rows = []
        for data in self.cerebro.datas:
            fresh = len(data) > self._lengths.get(data, 0)
            self._lengths[data] = len(data)
            row = (
                [getattr(data, name)[0] for name in ("open", "high", "low", "close", "volume")] if fresh else [nan] * 5
            )
            rows.append([*row[:4], 0.0 if isnan(row[4]) else row[4]])
        columns = np.array(rows).T.tolist()
        self._core.push(*(column[0] if len(rows) == 1 else column for column in columns))

    def _tell(self) -> None:
        """What the core did, as backtrader's notifications."""
        core = self._core
        assert core is not None
        fills = [dict(zip(FILL_FIELDS, row, strict=True)) for row in core.fills[self._seen("fills") :].tolist()]
        for row in core.transitions[self._seen("transitions") :].tolist():
            news = dict(zip(TRANSITION_FIELDS, row, strict=True))
            order = self._known.get(news["order"])
            if order is None:
                continue
            event = news["event"]
            if event == VALIDATE:
                order.accept()
                self.notify(order)
            elif event in FILLS:
                for fill in [fill for fill in fills if fill["order"] == news["order"]]:
                    fills.remove(fill)
                    self._execute_fill(order, fill)
                self._finish(order, order.completed) if event == COMPLETE else self._partial(order)
            elif event in (REFUSE, DENY, FUNDS_FAIL):
                self._finish(order, order.reject if event == REFUSE else order.margin)
            elif event in ENDS:
                self._finish(order, order.cancel)
        self._read = {"fills": len(core.fills), "transitions": len(core.transitions)}
        if self._read["transitions"] > ROWS_KEPT:
            core.forget()
            self._read = {}

    def _seen(self, name: str) -> int:
        """Rows of a log that were told."""
        return self.__dict__.setdefault("_read", {}).get(name, 0) if self._core and self._core.bar else 0

    def _partial(self, order: Any) -> None:
        order.partial()
        self.notify(order)

    def _finish(self, order: Any, tell: Any) -> None:
        """An order that the core has ended."""
        del self._known[self._numbers[order.ref]]
        self.pending.remove(order)
        tell()
        self.notify(order)

    def _execute_fill(self, order: Any, fill: dict[str, Any]) -> None:
        """One fill as backtrader books it."""
        data, size, price = order.data, fill["side"] * fill["quantity"], fill["price"]
        comminfo, position = self.getcommissioninfo(data), self.positions[data]
        before = position.price
        now, average, opened, closed = position.update(size, price)
        pnl = comminfo.profitandloss(-closed, before, price)
        fee = fill["commission"] / fill["quantity"]
        order.execute(
            data.datetime[0], size, price,
            closed, comminfo.getvaluesize(-closed, before), abs(closed) * fee,
            opened, comminfo.getvaluesize(opened, price), abs(opened) * fee,
            comminfo.margin, pnl, now, average,
        )  # fmt: skip
        order.addcomminfo(comminfo)


def kind_of(order: Any) -> str:
    """The type of an order; ConfigError for one that the core cannot be pushed."""
    types = {
        bt.Order.Market: "market",
        bt.Order.Limit: "limit",
        bt.Order.Stop: "stop",
        bt.Order.StopLimit: "stop_limit",
        bt.Order.StopTrail: "trailing_stop",
        bt.Order.StopTrailLimit: "trailing_stop_limit",
    }
    if order.exectype not in types:
        name, allowed = bt.Order.ExecTypes[order.exectype], ", ".join(bt.Order.ExecTypes[kind] for kind in types)
        raise ConfigError("no such order here", field="exectype", found=name, allowed=allowed)
    return types[order.exectype]
