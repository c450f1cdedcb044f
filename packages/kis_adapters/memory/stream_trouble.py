"""What goes wrong with a stream, drawn from a seed of its own: worlds without one stay as they are.

A stream is lost and found again, gives up, prints nothing while it seems to live, repeats prints
and brings them in the wrong order; notices are lost, doubled, late, or of orders that never were.
"""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from kis_adapters.memory.world import World
from kis_core.market.symbol import Symbol
from kis_core.ports.feed import FeedState

_NOBODYS = "9999999"
_COPIES = (0, 1, 1, 2, 5)  # of one notice
_BACK = (1, 3, 30)  # prints

STREAM_TROUBLE = (
    "stream: recovering",
    "stream: down",
    "stream: silent",
    "stream: prints repeated",
    "stream: notice of nobody's",
    "stream: notices lost or doubled",
)


@dataclass(slots=True)
class StreamTrouble:
    """Streams what a world trades, badly. `met` counts what went wrong."""

    world: World
    met: Counter[str]
    rng: Random
    _noticed: dict[str, int] = field(default_factory=dict)

    def make(self, trouble: float) -> None:
        """Maybe something begins to go wrong, or ends."""
        feed, rng = self.world.feed, self.rng
        if not self.world.has_feed:
            return
        if rng.random() < 0.05 * trouble:
            state = rng.choice((FeedState.RECOVERING, FeedState.DOWN))
            feed.lose(state, rng.choice(("silence", "dropped", "OPSP8996")))
            feed.complain("feed_registration_failed", "OPSP0007")
            self.met[f"stream: {state}"] += 1
        elif rng.random() < 0.2:
            feed.find()
        if rng.random() < 0.03 * trouble:
            feed.is_silent = not feed.is_silent
            self.met["stream: silent"] += feed.is_silent
        if rng.random() < 0.1 * trouble:
            for symbol in sorted(self.world.market.bars):
                feed.repeat(symbol, back=rng.choice(_BACK))
            self.met["stream: prints repeated"] += 1
        if rng.random() < 0.05 * trouble:
            feed.hint(_NOBODYS, Symbol("005930"))
            self.met["stream: notice of nobody's"] += 1

    def calm_down(self) -> None:
        """All is well from now on."""
        self.world.feed.is_silent = False
        self.world.feed.find()

    def print_and_notice(self, *, is_calm: bool) -> None:
        """Stream the prices of now, and a notice of each order that changed, in any order."""
        if not self.world.has_feed:
            return
        self.world.feed.print_now()
        news = []
        for order in self.world.broker.orders:
            state = order.filled_quantity + order.is_live
            if self._noticed.get(order.broker_order_no) != state:
                self._noticed[order.broker_order_no] = state
                copies = 1 if is_calm else self.rng.choice(_COPIES)
                self.met["stream: notices lost or doubled"] += copies != 1
                news += [(order.broker_order_no, order.symbol)] * copies
        self.rng.shuffle(news)
        for number, symbol in news:
            self.world.feed.hint(number, symbol)
