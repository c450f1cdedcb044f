"""A portfolio backtest over daily bars, decided by the functions that trade.

Each session: what is held is judged at the open; then entries that trigger at the open, then
those that trigger within the day, each group in order of preference; then every position goes its
way through the bar (`path`). Places and cash that an exit within the day frees are used from the
next session on, because whether it came before an entry the bar does not say; and what was sold
today is not bought again today. docs/backtest.md has every rule with its reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, auto

import numpy as np

from kis_core.market.quote import Quote
from kis_core.market.session import KST
from kis_core.market.symbol import Product
from kis_core.market.tick import ceil_to_tick, tick_size
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.research.account import Account
from kis_core.research.bars import BarMatrix
from kis_core.research.path import Entered, Path, Walk
from kis_core.research.point_in_time import PointInTime
from kis_core.research.setting import BacktestResult, BacktestSettings, EventKind, OpenHolding
from kis_core.research.view import OPEN, WITHIN, View
from kis_core.risk.approval import Approved, OrderProposal, RefusalReason, Refused, approve
from kis_core.sizing.policy import quantity_for
from kis_core.strategy.context import DayContext, NoContext
from kis_core.strategy.decision import Action
from kis_core.strategy.levels import entry_levels
from kis_core.strategy.trend_atr import decide

_PERCENT = 100.0


def run(bars: BarMatrix, settings: BacktestSettings, *, is_scanning: bool = True) -> BacktestResult:
    """Trade `bars` from the first session that ticks are known for, or from `settings.first`.

    The same bars and settings give the same result, with or without the scan. Raises ValueError
    when the settings leave no session.
    """
    view = View(bars, settings, is_scanning=is_scanning)
    days, warnings = _sessions(bars, settings)
    simulation = _Simulation(view, settings)
    marks = [simulation.session(day) for day in days]
    account = simulation.account
    return BacktestResult(
        dates=tuple(bars.dates[day] for day in days),
        equity=tuple(equity for equity, _ in marks),
        invested=tuple(invested for _, invested in marks),
        benchmark=_buy_and_hold(view, days, settings.cash),
        start_cash=settings.cash,
        trades=tuple(account.trades),
        fills=tuple(account.fills),
        events=tuple(account.events),
        holdings=_holdings(view, account, days[-1]),
        warnings=(*warnings, *_standing_warnings(settings)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trigger:
    """A row that may be entered today at `price`, at the open or within the day."""

    row: int
    price: int
    entered: Entered


class _Outcome(Enum):
    """What became of a trigger."""

    ENTERED = auto()
    NOT_ENTERED = auto()
    NONE_TODAY = auto()  # what refused this one refuses every other


_OF_THE_ACCOUNT = (
    RefusalReason.KILL_SWITCH,
    RefusalReason.DAILY_LOSS,
    RefusalReason.DAILY_TRADES,
    RefusalReason.CONSECUTIVE_LOSSES,
    RefusalReason.MAX_POSITIONS,
)


class _Simulation:
    """The state that goes from session to session."""

    def __init__(self, view: View, settings: BacktestSettings) -> None:
        self._view, self._settings = view, settings
        self._path = Path(view, settings)
        self._universe = PointInTime(view.bars, settings.universe) if settings.universe else None
        self.account = Account(view, settings)

    def session(self, day: int) -> tuple[int, int]:
        """One day; the equity and what is invested at its close."""
        account = self.account
        account.begin(day)
        self._settle_what_ended(day)
        sold: set[int] = set()
        walks: dict[int, tuple[Walk, Entered]] = {}
        for row, position in sorted(account.positions.items()):
            if not self._view.is_traded(row, day):
                continue
            walk = self._path.at_open(position, row, day)
            if self._booked(walk, row, day):
                sold.add(row)
            else:
                walks[row] = (walk, Entered.BEFORE)
        for row, entered in self._entries(day, sold):
            walks[row] = (Walk(position=account.positions[row]), entered)
        for row, (walk, entered) in sorted(walks.items()):
            walk = self._path.after_open(walk, row, day, entered=entered)
            if not self._booked(walk, row, day) and walk.is_blocked:
                account.note(day, EventKind.EXIT_BLOCKED, walk.position.symbol)
        return account.end(day)

    def _settle_what_ended(self, day: int) -> None:
        """Close at the last close what has no bar any more, or none that compares."""
        for row in sorted(self.account.positions):
            if self._view.is_gone(row, day):
                kind = EventKind.DELISTED
            elif self._view.is_break[row, day]:
                kind = EventKind.BASIS_CHANGED
            else:
                continue
            price = Won(self._view.close_before(row, day))
            self.account.note(day, kind, self._view.bars.symbols[row], detail=f"at {price}")
            self.account.sell(row, day, price=price, reason=kind)

    def _booked(self, walk: Walk, row: int, day: int) -> bool:
        """Keep what the path showed; book its sale, if it ended in one."""
        self.account.positions[row] = walk.position
        if walk.sale is None:
            return False
        view, instrument = self._view, self._view.instrument(row)
        quote = view.quote(
            row, day, last=walk.sale.price, high=walk.sale.price, low=walk.sale.price, at=WITHIN
        )
        price = self._settings.slippage.sold(
            walk.sale.price, product=instrument.product, on=view.bars.dates[day]
        )
        price = max(price, quote.lower_limit)
        proposal = OrderProposal(
            symbol=instrument.symbol,
            side=Side.SELL,
            quantity=walk.position.quantity,
            order_type=OrderType.MARKET,
            price=Won(0),
            reference=quote.last,
            held_quantity=walk.position.quantity,
            sellable_quantity=walk.position.quantity,
            upper_limit=quote.upper_limit,
            lower_limit=quote.lower_limit,
            market=instrument.market,
            product=instrument.product,
        )
        if not isinstance(self._approved(proposal, day), Approved):
            raise ValueError(f"a sale of what is held was refused: {proposal}")
        self.account.sell(row, day, price=price, reason=walk.sale.reason)
        return True

    def _entries(self, day: int, sold: set[int]) -> list[tuple[int, Entered]]:
        """Enter what trades above its trigger today, until the account takes no more."""
        entered: list[tuple[int, Entered]] = []
        for trigger in self._triggers(day, sold):
            if len(self.account.positions) >= self._settings.limits.max_positions:
                break
            outcome = self._enter(trigger, day)
            if outcome is _Outcome.ENTERED:
                entered.append((trigger.row, trigger.entered))
            elif outcome is _Outcome.NONE_TODAY:
                break
        return entered

    def _triggers(self, day: int, sold: set[int]) -> Iterator[_Trigger]:
        """At the open first, then within the day; each in order of preference, looked at only
        when its turn has come."""
        if len(self.account.positions) >= self._settings.limits.max_positions or day == 0:
            return
        bars, held = self._view.bars, set(self.account.positions)
        rows = [row for row in self._preferred(day) if row not in held and row not in sold]
        # Only an open above the previous high can be a trigger at the open.
        above = [row for row in rows if bars.open[row, day] > bars.high[row, day - 1]]
        seen: set[int] = set()
        for row in above:
            trigger = self._trigger(row, day)
            if trigger is not None and trigger.entered is Entered.AT_OPEN:
                seen.add(row)
                yield trigger
        for row in rows:
            trigger = self._trigger(row, day) if row not in seen else None
            if trigger is not None:
                yield trigger

    def _preferred(self, day: int) -> list[int]:
        """Today's candidates: in the universe's order, or by the traded value of the day before."""
        rows = self._view.candidates(day)
        if self._universe is not None:
            possible = set(rows)
            return [row for row in self._universe.rows(day) if row in possible]
        bars = self._view.bars
        if day == 0 or not rows:
            return []
        value = bars.close[rows, day - 1].astype(np.int64) * bars.volume[rows, day - 1]
        return [rows[place] for place in np.argsort(-value, kind="stable").tolist()]

    def _trigger(self, row: int, day: int) -> _Trigger | None:
        """The first price today above both the previous high and the SMA, if it trades."""
        opened, high, _, _ = self._view.prices(row, day)
        context = self._view.context(row, day)
        if isinstance(context, NoContext):
            return None
        product, on = self._view.instrument(row).product, self._view.bars.dates[day]
        above = max(int(context.previous_high), context.sma_sum // context.sma_period) + 1
        trigger = int(ceil_to_tick(above, product, on))
        if opened >= trigger:
            return _Trigger(row=row, price=opened, entered=Entered.AT_OPEN)
        if high < trigger:
            return None
        return _Trigger(row=row, price=trigger, entered=Entered.WITHIN)

    def _enter(self, trigger: _Trigger, day: int) -> _Outcome:
        """Ask the strategy, sizing and risk; buy when all agree."""
        row, view = trigger.row, self._view
        at = OPEN if trigger.entered is Entered.AT_OPEN else WITHIN
        price = trigger.price
        quote = view.quote(row, day, last=price, high=price, low=price, at=at)
        context = view.context(row, day)
        decision = decide(
            context=context,
            quote=quote,
            position=None,
            parameters=self._settings.parameters,
            now=quote.at,
            is_event_day=view.bars.dates[day] in self._settings.event_dates,
        )
        if decision.action is not Action.BUY or not isinstance(context, DayContext):
            return _Outcome.NOT_ENTERED
        answer = self._purchase(row, day, quote=quote, atr=context.atr)
        if isinstance(answer, Refused):
            detail = f"{answer.reason}: {answer.was} / {answer.limit}"
            self.account.note(day, EventKind.ENTRY_REFUSED, quote.symbol, detail)
            is_last = answer.reason in _OF_THE_ACCOUNT
            return _Outcome.NONE_TODAY if is_last else _Outcome.NOT_ENTERED
        product, on = view.instrument(row).product, view.bars.dates[day]
        paid, limit = self._settings.slippage.bought(price, product=product, on=on), answer.price
        if paid > limit:
            self.account.note(day, EventKind.ENTRY_MISSED, quote.symbol, f"{paid} above {limit}")
            return _Outcome.NOT_ENTERED
        self.account.buy(
            row,
            day,
            price=paid,
            quantity=answer.quantity,
            atr=context.atr,
            reason=decision.reason,
        )
        return _Outcome.ENTERED

    def _purchase(self, row: int, day: int, *, quote: Quote, atr: float) -> OrderProposal | Refused:
        """The order that sizing wants, cash pays for and risk approves."""
        settings, instrument = self._settings, self._view.instrument(row)
        most = quote.last * (1 + settings.entry_limit_pct / _PERCENT)
        limit = ceil_to_tick(most, instrument.product, self._view.bars.dates[day])
        limit = min(limit, quote.upper_limit)
        stop = entry_levels(cost=limit, quantity=1, atr=atr, parameters=settings.parameters).stop
        quantity = quantity_for(
            settings.sizing,
            price=limit,
            stop=stop,
            equity=self.account.equity_before(day),
            cash=self.account.cash,
            commission=settings.commission,
        )
        if quantity < 1:
            return Refused(reason=RefusalReason.INVALID, limit=self.account.cash, was=limit)
        proposal = OrderProposal(
            symbol=instrument.symbol,
            side=Side.BUY,
            quantity=quantity,
            order_type=OrderType.LIMIT,
            price=limit,
            reference=quote.last,
            worst_price=stop,
            upper_limit=quote.upper_limit,
            lower_limit=quote.lower_limit,
            market=instrument.market,
            product=instrument.product,
        )
        answer = self._approved(proposal, day)
        return answer if isinstance(answer, Refused) else answer.proposal

    def _approved(self, proposal: OrderProposal, day: int) -> Approved | Refused:
        return approve(
            proposal,
            state=self.account.state(day),
            limits=self._settings.limits,
            orders_last_minute=0,  # a daily bar does not say how close together orders are
            now=datetime.combine(self._view.bars.dates[day], WITHIN, KST),
            commission=self._settings.commission,
            settles_on=self._view.settles_on(day),
        )


def _sessions(bars: BarMatrix, settings: BacktestSettings) -> tuple[range, list[str]]:
    """The days to trade, and what is to be said about them."""
    first, warnings = 0, []
    while first < bars.days and not _has_ticks(bars.dates[first]):
        first += 1
    if first:
        since = bars.dates[first].isoformat() if first < bars.days else "없음"
        warnings.append(
            "호가단위와 거래세를 아는 날부터만 거래했습니다"
            f" (2023-01-25 이후, 첫 거래일 {since}). 그 전의 봉은 지표에만 썼습니다."
        )
    start, end = first, bars.days
    while start < end and settings.first is not None and bars.dates[start] < settings.first:
        start += 1
    while start < end and settings.last is not None and bars.dates[end - 1] > settings.last:
        end -= 1
    if start >= end:
        raise ValueError(f"거래할 날이 없습니다: {settings.first} ~ {settings.last}")
    return range(start, end), warnings


def _has_ticks(on: date) -> bool:
    try:
        tick_size(1, Product.STOCK, on)
    except ValueError:
        return False
    return True


def _standing_warnings(settings: BacktestSettings) -> list[str]:
    warnings = [
        "봉에 있는 종목만 시험했습니다. 상장폐지된 종목이 빠진 자료라면 결과가 실제보다 좋습니다.",
    ]
    if settings.universe is not None:
        warnings.append("관리종목 여부와 시가총액은 봉에 없어 유니버스에서 거르지 않았습니다.")
    return warnings


def _holdings(view: View, account: Account, day: int) -> tuple[OpenHolding, ...]:
    return tuple(
        OpenHolding(
            symbol=position.symbol,
            entry_session=position.entry_session,
            quantity=position.quantity,
            cost=position.cost,
            last=Won(view.close_before(row, day + 1)),
        )
        for row, position in sorted(account.positions.items())
    )


def _buy_and_hold(view: View, days: range, cash: int) -> tuple[float, ...]:
    """The start cash in equal parts in every symbol that trades on the first session.

    Bought at that session's close, without costs; what is gone stays at its last close, and a
    break of the price basis counts as no change.
    """
    bars, first = view.bars, days.start
    rows = np.flatnonzero(bars.volume[:, first] > 0)
    if not len(rows):
        return tuple(float(cash) for _ in days)
    worth = np.ones(len(rows))
    before = bars.close[rows, first].astype(np.float64)
    values = [float(cash)]
    for day in days[1:]:
        close = bars.close[rows, day].astype(np.float64)
        traded = close > 0
        counts = traded & ~view.is_break[rows, day]
        worth[counts] *= close[counts] / before[counts]
        before[traded] = close[traded]
        values.append(float(cash * worth.mean()))
    return tuple(values)
