"""A stream over a market in memory: it prints what trades, and goes wrong when it is told to."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime

from kis_adapters.memory.market import MemoryMarket
from kis_core.market.minute_bar import MinuteBars
from kis_core.market.quote import Quote
from kis_core.market.session import Session
from kis_core.market.symbol import Symbol
from kis_core.market.trade_print import Print, day_number, hms_number
from kis_core.ports.clock import Clock
from kis_core.ports.feed import Arrived, Feed, FeedChange, FeedProblem, FeedState, OrderHint
from kis_core.session.inbox import Inbox


class MemoryFeed(Feed):
    """Live at once. `print_now` streams what the market last traded, `lose` and `find` change the
    state, `hint` is an execution notice; `is_silent` prints nothing and says nothing of it, and
    `places` is how many symbols are registered."""

    def __init__(self, market: MemoryMarket, *, clock: Clock, places: int = 40) -> None:
        self._market = market
        self._clock = clock
        self._places = places
        self._inbox = Inbox(nullcontext(), bars=MinuteBars())
        self._wanted: tuple[Symbol, ...] = ()
        self._sent: dict[Symbol, list[Print]] = {}
        self.is_silent = False
        self.state = FeedState.CONNECTING
        self.find()

    def start(self) -> None:
        """Is live already."""

    def stop(self) -> None:
        """There is nothing to end."""

    def desire(self, held: Sequence[Symbol], others: Sequence[Symbol]) -> None:
        self._wanted = (*held, *others)[: self._places]
        self._register()

    def drain(self) -> Arrived:
        self._inbox.close_minutes(self._clock.now())
        return self._inbox.drain()

    def counts(self) -> Mapping[str, int]:
        return {"prints": sum(map(len, self._sent.values()))}

    def begin(self, session: Session) -> None:
        """Bars are those of `session` from now on."""
        self._inbox.begin(session)

    def print_now(self) -> None:
        """Stream the newest trade of each registered symbol."""
        if self.is_silent or self.state is not FeedState.LIVE:
            return
        now = self._clock.now()
        for symbol in self._wanted:
            quote = self._market.peek(symbol)
            if isinstance(quote, Quote) and quote.open > 0:
                self._sent.setdefault(symbol, []).append(_print_of(quote, now))
                self._inbox.put_prints(self._sent[symbol][-1:])

    def repeat(self, symbol: Symbol, *, back: int) -> None:
        """Stream again what was streamed `back` prints ago, as a reordered stream does."""
        self._inbox.put_prints(self._sent.get(symbol, [])[-1 - back :][:1])

    def hint(self, broker_order_no: str, symbol: Symbol) -> None:
        """Notice that something happened to an order."""
        now = self._clock.now()
        self._inbox.put_hint(OrderHint(broker_order_no=broker_order_no, symbol=symbol, at=now))

    def lose(self, state: FeedState, why: str) -> None:
        """The stream is not live any more."""
        self._become(state, why)

    def find(self) -> None:
        """The stream is live again."""
        self._become(FeedState.LIVE, "recovered")

    def complain(self, what: str, why: str) -> None:
        """Something that does not change the state."""
        self._inbox.put_problem(FeedProblem(at=self._clock.now(), what=what, why=why))

    def _become(self, state: FeedState, why: str) -> None:
        if state is not self.state:
            self.state = state
            self._inbox.put_change(FeedChange(at=self._clock.now(), state=state, why=why))
        self._register()

    def _register(self) -> None:
        is_live = self.state is FeedState.LIVE
        self._inbox.put_live(frozenset(self._wanted if is_live else ()))


def _print_of(quote: Quote, now: datetime) -> Print:
    return Print(
        symbol=quote.symbol,
        day=day_number(now.date()),
        hms=hms_number(now),
        price=quote.last,
        change=quote.last - quote.base,
        open=quote.open,
        high=quote.high,
        low=quote.low,
        quantity=1,
        volume=quote.volume,
        turnover=quote.turnover,
        is_halted=bool(quote.is_halted),
    )
