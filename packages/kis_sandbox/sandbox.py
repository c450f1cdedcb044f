"""One simulator: clock, exchange, keys, faults and journal, and what may be asked of them.

Whatever changes the exchange goes through here, so that it is journalled before it is answered
and can be done again after a restart.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from threading import RLock

from kis_core.market.cost import Commission
from kis_core.market.session import KST
from kis_sandbox.account import Account
from kis_sandbox.calendar import FIRST_DAY, TradingCalendar
from kis_sandbox.clock import ClockMode, VirtualClock
from kis_sandbox.config import CREDENTIALS, Personality, SandboxConfig
from kis_sandbox.exchange import Exchange
from kis_sandbox.faults import Faults
from kis_sandbox.history import DailyBars, SyntheticBars
from kis_sandbox.journal import Entry, Journal
from kis_sandbox.limiter import RateLimiter
from kis_sandbox.listing import Listing, default_listing
from kis_sandbox.order import NO_MISHAP, Mishap, Order, OrderType, Side
from kis_sandbox.switch import Switch
from kis_sandbox.tape import Tape
from kis_sandbox.token import Token, TokenDesk

_HISTORY_SESSIONS = 300
_RATES = {Personality.PAPER: 1, Personality.REAL: 18}


class Sandbox:
    """The state of one simulator. Calls come one at a time, under `lock`."""

    def __init__(self, config: SandboxConfig) -> None:
        start = (config.start or datetime.now(KST)).astimezone(KST)
        self.config = config
        self.lock = RLock()
        self.journal = _journal(config, start)
        if self.journal is not None:
            start = datetime.fromisoformat(str(self.journal.header["start"]))
        self.credentials = CREDENTIALS[config.mode]
        self.calendar = TradingCalendar(until=start.date())
        self.listing, bars = _market(config, start.date(), self.calendar)
        self.exchange = self._exchange(start, bars)
        self.desk = TokenDesk()
        self.limiter = RateLimiter(config.rate_per_second or _RATES[config.mode])
        self.faults = Faults(config.seed)
        self.requests: Counter[str] = Counter()
        self.answers: dict[str, bytes] = {}
        self.clock = VirtualClock(self._resumed(start), mode=config.clock, speed=config.speed)

    @property
    def is_paper(self) -> bool:
        """Whether the paper server is played."""
        return self.config.mode is Personality.PAPER

    @property
    def branch(self) -> str:
        """The branch that owns the order numbers."""
        return "00950" if self.is_paper else "91252"

    def catch_up(self) -> datetime:
        """Let the exchange follow the clock; returns now."""
        now = max(self.clock.now(), self.exchange.now)
        self.exchange.advance(now)
        if self.journal is not None:
            self.journal.note_time(now)
        return now

    def advance(self, to: datetime) -> datetime:
        """Move the clock and the exchange to `to`. Raises ClockBackwards."""
        self.clock.advance(to)
        return self.catch_up()

    def spend_latency(self) -> datetime:
        """What a business call takes on a stepped clock; returns now."""
        self.clock.spend(timedelta(milliseconds=self.config.latency_ms))
        return self.catch_up()

    def place(
        self,
        *,
        symbol: str,
        side: Side,
        order_type: OrderType,
        quantity: int,
        price: int,
        mishap: Mishap = NO_MISHAP,
    ) -> Order:
        """Take an order now; durable on return. Raises Refusal."""
        order = self.exchange.place(
            symbol=symbol,
            side=side,
            order_type=order_type,
            quantity=quantity,
            price=price,
            mishap=mishap,
        )
        self._record(
            "place",
            symbol=symbol,
            side=side,
            order_type=order_type,
            quantity=quantity,
            price=price,
            fill_at_most=mishap.fill_at_most,
            delay_us=mishap.delay_us,
            hidden_us=mishap.hidden_us,
            is_refused=mishap.is_refused,
        )
        return order

    def amend(
        self, number: int, *, order_type: OrderType, price: int, quantity: int | None
    ) -> Order:
        """Replace an order now; durable on return. Raises Refusal."""
        order = self.exchange.amend(number, order_type=order_type, price=price, quantity=quantity)
        self._record("amend", number=number, order_type=order_type, price=price, quantity=quantity)
        return order

    def cancel(self, number: int, *, quantity: int | None) -> Order:
        """Cancel an order now; durable on return. Raises Refusal."""
        order = self.exchange.cancel(number, quantity=quantity)
        self._record("cancel", number=number, quantity=quantity)
        return order

    def fill_at_once(self, number: int) -> None:
        """Fill an order's rest now; durable on return. Raises Refusal."""
        self.exchange.fill_at_once(number)
        self._record("fill_at_once", number=number)

    def throw(self, switch: Switch) -> None:
        """Apply an operator's switch; durable on return."""
        self.exchange.throw(switch)
        self._record(
            "switch",
            symbol=switch.symbol,
            halted=switch.halted,
            managed=switch.managed,
            warned=switch.warned,
            vi=switch.vi,
            price_shock_pct=switch.price_shock_pct,
        )

    def issue_token(self, app_key: str) -> Token:
        """Issue a token; durable on return. Raises TooManyRequests."""
        token = self.desk.issue(app_key, self.exchange.now)
        self._record("token", app_key=app_key)
        return token

    def revoke_token(self, text: str) -> bool:
        """Revoke a token; durable on return."""
        is_revoked = self.desk.revoke(text)
        self._record("revoke", text=text)
        return is_revoked

    def close(self) -> None:
        """Release the journal."""
        if self.journal is not None:
            self.journal.close()

    def _exchange(self, start: datetime, bars: DailyBars) -> Exchange:
        config = self.config
        account = Account(cash=config.cash, commission=Commission(ppm=config.commission_ppm))
        for preload in config.holdings:
            if self.listing.find(preload.symbol) is None:
                raise ValueError(f"상장되지 않은 종목입니다: {preload.symbol}")
            account.preload(preload.symbol, quantity=preload.quantity, price=preload.price)
        tape = Tape(seed=config.seed, listing=self.listing, calendar=self.calendar, bars=bars)
        return Exchange(
            listing=self.listing, calendar=self.calendar, tape=tape, account=account, start=start
        )

    def _record(self, what: str, **details: object) -> None:
        if self.journal is not None:
            at = self.exchange.now.isoformat(timespec="microseconds")
            self.journal.append({"what": what, "at": at, **details})

    def _resumed(self, start: datetime) -> datetime:
        """Do again what the journal holds; returns the instant at which the clock goes on."""
        if self.journal is None:
            return start
        journal, self.journal = self.journal, None  # what is done again is not written again
        try:
            for entry in journal.entries:
                self.exchange.advance(datetime.fromisoformat(str(entry["at"])))
                self._redo(entry)
        finally:
            self.journal = journal
        resumed = max(self.exchange.now, journal.last_time or start)
        if self.config.start is None and self.config.clock is ClockMode.REAL:
            resumed = max(resumed, datetime.now(KST))
        self.exchange.advance(resumed)
        return resumed

    def _redo(self, entry: Entry) -> None:
        details = _Details(entry)
        match entry["what"]:
            case "place":
                self.place(
                    symbol=details.text("symbol"),
                    side=Side(details.text("side")),
                    order_type=OrderType(details.text("order_type")),
                    quantity=details.number("quantity"),
                    price=details.number("price"),
                    mishap=details.mishap(),
                )
            case "amend":
                self.amend(
                    details.number("number"),
                    order_type=OrderType(details.text("order_type")),
                    price=details.number("price"),
                    quantity=details.maybe_number("quantity"),
                )
            case "cancel":
                self.cancel(details.number("number"), quantity=details.maybe_number("quantity"))
            case "fill_at_once":
                self.fill_at_once(details.number("number"))
            case "switch":
                self.throw(details.switch(self.exchange.now))
            case "token":
                self.issue_token(details.text("app_key"))
            case "revoke":
                self.revoke_token(details.text("text"))
            case unknown:
                raise ValueError(f"unknown journal entry: {unknown!r}")


class _Details:
    """A journal entry's fields, read with their types."""

    def __init__(self, entry: Mapping[str, object]) -> None:
        self._entry = entry

    def text(self, name: str) -> str:
        return str(self._entry[name])

    def number(self, name: str) -> int:
        value = self._entry[name]
        if not isinstance(value, int):
            raise ValueError(f"journal entry without {name}: {self._entry!r}")
        return value

    def maybe_number(self, name: str) -> int | None:
        return None if self._entry[name] is None else self.number(name)

    def maybe_flag(self, name: str) -> bool | None:
        value = self._entry[name]
        return None if value is None else bool(value)

    def mishap(self) -> Mishap:
        return Mishap(
            fill_at_most=self.maybe_number("fill_at_most"),
            delay_us=self.number("delay_us"),
            hidden_us=self.number("hidden_us"),
            is_refused=bool(self._entry["is_refused"]),
        )

    def switch(self, at: datetime) -> Switch:
        shock = self._entry["price_shock_pct"]
        return Switch(
            at=at,
            symbol=self.text("symbol"),
            halted=self.maybe_flag("halted"),
            managed=self.maybe_flag("managed"),
            warned=self.maybe_flag("warned"),
            vi=self.maybe_flag("vi"),
            price_shock_pct=None if shock is None else float(str(shock)),
        )


def _journal(config: SandboxConfig, start: datetime) -> Journal | None:
    if config.state_dir is None:
        return None
    header = {
        "mode": config.mode.value,
        "seed": config.seed,
        "symbols": config.symbols,
        "cash": config.cash,
        "holdings": [f"{h.symbol}:{h.quantity}:{h.price}" for h in config.holdings],
        "commission_ppm": config.commission_ppm,
        "bars": None if config.bars is None else config.bars.name,
        "start": start.isoformat(timespec="microseconds"),
    }
    return Journal(config.state_dir, header)


def _market(
    config: SandboxConfig, start: date, calendar: TradingCalendar
) -> tuple[Listing, DailyBars]:
    """What is listed, and its bars. Raises ValueError when there is no market at `start`."""
    if config.bars is not None:
        try:  # polars is loaded only where bars are replayed
            from kis_sandbox.replay import ParquetBars
        except ImportError as error:
            raise ValueError(f"일봉 재생에는 polars가 필요합니다 ({error.name})") from error
        stored = ParquetBars(config.bars)
        return Listing(stored.issues()), stored
    earliest = calendar.after(FIRST_DAY, _HISTORY_SESSIONS)
    if start < earliest:
        raise ValueError(f"시작일은 {earliest} 이후여야 합니다 (지난 일봉 300개가 필요): {start}")
    listing = default_listing(
        count=config.symbols, seed=config.seed, start=start, calendar=calendar
    )
    return listing, SyntheticBars(seed=config.seed, listing=listing, calendar=calendar)
