"""The run: phases of every bar in order, and the end of the data."""

from collections.abc import Sequence

from admf_kernels.codes import Liquidity, OrderEvent, OrderStatus, Reason, Side, Unfilled
from oracle.actions import split_command, take
from oracle.closing import close_phase, end_immediate, fill_at_last_close, same_close
from oracle.digest import bits
from oracle.filling import execute
from oracle.inside import inside_phase, numbered_phase
from oracle.intake import check, obey, submit
from oracle.limits import limit_all, watch
from oracle.linked import end, route
from oracle.margin import call
from oracle.opening import open_phase
from oracle.prices import is_valid
from oracle.records import WALKED, Bar, Command, Instrument, Order, Position, Price, Request, Rules
from oracle.statistics import Statistics
from oracle.trails import end_bar, start_at_open
from oracle.walking import path_phase
from oracle.world import World


def open_world(
    bars: list[list[Bar]], instruments: list[Instrument], rules: Rules, positions: Sequence[tuple[float, float]]
) -> World:
    """M-01, A-03: the account before the first bar: cash, and positions at their own prices."""
    held, equity = [], rules.initial_cash
    for (quantity, price), instrument in zip(positions, instruments, strict=True):
        position = Position()
        if quantity != 0.0:
            position = Position(quantity, price, price)
            position.entry_quantity, position.entry_value = abs(quantity), abs(quantity) * price
            equity += quantity * price * instrument.multiplier
            if quantity < 0.0 and rules.short == "margin":
                position.locked = -quantity * price * instrument.multiplier * (1.0 + rules.margin_initial)
        held.append(position)
    return World(bars, instruments, rules, rules.initial_cash, held, Statistics(equity), halt_peak=equity)


class Run:
    """A scripted run. `script` is ascending by bar; `requests` has one row a script row."""

    def __init__(self, world: World, script: Sequence[Command], requests: Sequence[Request]) -> None:
        self.world, self.script, self.requests = world, list(script), list(requests)
        self.cursor = 0
        self.by_row: dict[int, Order] = {}
        self.sent: list[tuple[int, Command]] = []  # cancels and amendments, with the bar on which they act

    def run(self) -> World:
        """C-02: from before the first bar to the end of the data."""
        self.decide()
        for bar in range(self.world.bar_count):
            self.world.bar = bar
            self.bar()
        self.finish()
        return self.world

    def decide(self) -> None:
        """C-01, C-02: P6: the script's rows of this bar, then the checks in order of submission."""
        arrived = []
        while self.cursor < len(self.script) and self.script[self.cursor].bar <= self.world.bar:
            command = self.script[self.cursor]
            if command.kind == "submit":
                request = self.requests[self.cursor]
                self.by_row[self.cursor] = submit(self.world, request, self.by_row.get(request.parent))
                arrived.append(self.by_row[self.cursor])
            else:
                self.sent.append((self.world.bar + 1 + self.world.rules.latency_bars, command))
            self.cursor += 1
        limit_all(self.world, arrived)
        for order in arrived:
            check(self.world, order)
        for order in arrived:
            same_close(self.world, order)

    def bar(self) -> None:
        """C-02: P0 to P7 of one bar."""
        world = self.world
        self.judge_bars()
        for symbol, ratio in take(world, self.close_out, late=False):
            self.sent = [(bar, self.in_new_units(command, symbol, ratio)) for bar, command in self.sent]
        self.begin()
        working = [order for order in world.orders if order.active and order.eligible_bar <= world.bar]
        if world.rules.price_ref == "range":
            self.match()
        close_phase(world)
        self.count_unfilled(working)
        self.settle()
        self.decide()
        if world.bar == world.bar_count - 1:
            self.end_of_data()
        equity = world.equity()
        world.curve.append((world.cash, equity))
        exposed = any(position.quantity != 0.0 for position in world.positions)
        world.statistics.close_bar(equity, exposed=exposed, sampled=self.is_sample())

    def in_new_units(self, command: Command, symbol: int, ratio: float) -> Command:
        """D-02: an amendment of an order of the symbol that was split."""
        order = self.by_row.get(command.row)
        return split_command(command, ratio) if order is not None and order.symbol == symbol else command

    def match(self) -> None:
        """C-02, C-05: P2 and P3."""
        world = self.world
        if world.rules.path == "queue" and world.rules.conflict == "order_id":
            start_at_open(world)
            numbered_phase(world)
            return
        open_phase(world)
        if world.rules.path in WALKED:
            path_phase(world)
        else:
            inside_phase(world)

    def count_unfilled(self, working: list[Order]) -> None:
        """U-01: why orders that worked on this bar did not fill on it."""
        world = self.world
        filled = {fill.order for fill in world.fills if fill.bar == world.bar}
        for order in working:
            if order.number in filled:
                continue
            cause = order.cause[1] if order.cause[0] == world.bar else Unfilled.NOT_TOUCHED
            if not world.matches(order.symbol):
                cause = Unfilled.BAD_BAR
            order.unfilled[cause] += 1
            world.statistics.count_unfilled(cause)

    def judge_bars(self) -> None:
        """B-01: P0."""
        for symbol in range(len(self.world.bars)):
            if not is_valid(self.world.now(symbol)):
                self.world.statistics.bad_bars += 1
                if self.world.statistics.bad_bar_first < 0:
                    self.world.statistics.bad_bar_first = self.world.bar

    def begin(self) -> None:
        """L-03, L-04, T-01: P1: commands, then routing and expiries in ascending number."""
        world = self.world
        due = [command for bar, command in self.sent if bar <= world.bar]
        self.sent = [(bar, command) for bar, command in self.sent if bar > world.bar]
        for command in due:
            if command.row in self.by_row:
                obey(world, self.by_row[command.row], command)
        for order in list(world.orders):
            if order.status == OrderStatus.VALIDATED and order.eligible_bar <= world.bar:
                route(world, order)
            if order.alive and order.expires_bar < world.bar:
                end(world, order, OrderEvent.EXPIRE, Reason.TIME_IN_FORCE)

    def settle(self) -> None:
        """R-06, T-02, A-01, A-08, A-12: P5: trails, remainders that may not wait, margin, marks, bankruptcy."""
        world = self.world
        end_bar(world)
        for order in list(world.orders):
            end_immediate(world, order)
        take(world, self.close_out, late=True)
        if world.rules.margin_maintenance is not None:
            call(world, self.close_out)
        for symbol, position in enumerate(world.positions):
            if is_valid(world.now(symbol)):
                position.mark = world.now(symbol).close
        watch(world)
        if not world.bankrupt and world.equity() <= 0.0:
            self.go_bankrupt()

    def go_bankrupt(self) -> None:
        """A-08: every order ended, everything flat at the worst price of the bar."""
        world = self.world
        world.bankrupt = True
        world.statistics.bankrupt_bar = world.bar
        for order in world.live():
            world.move(order, OrderEvent.CANCEL, Reason.BANKRUPT)
        for symbol, position in enumerate(world.positions):
            bar = world.now(symbol)
            worst = bar.low if position.quantity > 0.0 else bar.high
            self.close_out(
                symbol, Price(worst if is_valid(bar) else position.mark, "", Liquidity.TAKER, Reason.BANKRUPT)
            )

    def close_out(self, symbol: int, found: Price) -> None:
        """A-08, A-10, A-13: an order of the engine closes a position at a price, without the volume cap."""
        world = self.world
        held = world.positions[symbol].quantity
        if held == 0.0:
            return
        order = submit(world, Request(Side.SELL if held > 0.0 else Side.BUY, quantity=abs(held), symbol=symbol), None)
        order.eligible_bar = order.expires_bar = world.bar
        for event in (OrderEvent.SUBMIT, OrderEvent.VALIDATE, OrderEvent.ROUTE):
            world.move(order, event, found.reason)
        execute(world, order, found, engine=True)

    def end_of_data(self) -> None:
        """T-03, A-10: P7: what still works ends, then positions are closed where the run says so."""
        world = self.world
        if world.rules.last_bar == "fill_at_close":
            fill_at_last_close(world)
        if world.rules.last_bar != "leave_working":
            for order in world.live():
                world.move(order, OrderEvent.EXPIRE, Reason.END_OF_DATA)
        if world.rules.close_positions:
            for symbol, position in enumerate(world.positions):
                self.close_out(symbol, Price(position.mark, "market", Liquidity.TAKER, Reason.CLOSE_POSITIONS))

    def is_sample(self) -> bool:
        """M-01: whether the returns are sampled on this bar."""
        world = self.world
        last = world.bar == world.bar_count - 1
        return last or not world.rules.sample_sessions or world.now(0).session_end == world.bar

    def finish(self) -> None:
        """H-01: cash and positions end the trace."""
        self.world.digest.add(bits(self.world.cash))
        for position in self.world.positions:
            self.world.digest.add(bits(position.quantity))


def run(
    bars: list[list[Bar]],
    script: Sequence[Command],
    requests: Sequence[Request],
    rules: Rules,
    instruments: list[Instrument],
    positions: Sequence[tuple[float, float]],
    actions: Sequence[tuple[int, int, int, float]] = (),
) -> World:
    """C-02: a whole run; every bar list is a symbol, every request belongs to the script row of its index."""
    world = open_world(bars, instruments, rules, positions)
    world.actions = list(actions)
    take(world, lambda symbol, found: None, late=False)  # D-10, D-11: what holds before the first bar
    return Run(world, script, requests).run()
