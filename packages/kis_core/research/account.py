"""The account of a backtest: cash, positions, and what every fill cost, to the won."""

from dataclasses import dataclass
from datetime import date, datetime

from kis_core.market.cost import sale_tax
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.identity import Side
from kis_core.positions.position import Position
from kis_core.research.setting import (
    BacktestFill,
    BacktestSettings,
    BacktestTrade,
    Event,
    EventKind,
)
from kis_core.research.view import WITHIN, View
from kis_core.risk.drawdown import DrawdownSignal, after_equity
from kis_core.risk.kill_switch import clear
from kis_core.risk.state import RiskRecord, RiskState, roll_session
from kis_core.strategy.levels import entry_levels


@dataclass(slots=True)
class _Today:
    """What the risk limits count within a session."""

    realised: int = 0
    entries: int = 0
    losses_in_a_row: int = 0


class Account:
    """Positions by row, cash, and the risk record; booked at the prices it is told.

    What a sale brings can be spent at once (the broker lends against it until it settles).
    """

    def __init__(self, view: View, settings: BacktestSettings) -> None:
        self._view = view
        self._settings = settings
        self._today = _Today()
        self._entry_day: dict[int, int] = {}
        self._stopped_for = 0
        self._record: RiskRecord | None = None
        self.cash = settings.cash
        self.positions: dict[int, Position] = {}
        self.trades: list[BacktestTrade] = []
        self.fills: list[BacktestFill] = []
        self.events: list[Event] = []

    def begin(self, day: int) -> None:
        """Start a session with what the account is worth at the closes before it."""
        on, equity = self._view.bars.dates[day], self.equity_before(day)
        self._record = roll_session(self._record, session_date=on, equity=equity)
        self._today = _Today()
        if self._record.kill_switch is None:
            return
        self._stopped_for += 1
        pause = self._settings.drawdown_pause
        if pause is not None and self._stopped_for > pause:
            self._record = clear(self._record, equity=equity, limits=self._settings.limits)
            self._stopped_for = 0
            self.note(day, EventKind.TRADING_RESUMED)

    def end(self, day: int) -> tuple[int, int]:
        """Close a session: the equity and the value of what is held, at the closes."""
        invested = self._worth(day + 1)
        equity = self.cash + invested
        at = datetime.combine(self._view.bars.dates[day], WITHIN, KST)
        self._record, signal = after_equity(
            self._risk_record(), equity=equity, limits=self._settings.limits, at=at
        )
        if signal is DrawdownSignal.WARN:
            self.note(day, EventKind.DRAWDOWN_WARNED, detail=f"equity {equity}")
        if signal is DrawdownSignal.STOP:
            self.note(day, EventKind.TRADING_STOPPED, detail=self._record.kill_switch or "")
        return equity, invested

    def state(self, day: int) -> RiskState:
        """What the risk limits look at now."""
        return RiskState(
            record=self._risk_record(),
            realised_pnl=self._today.realised,
            entries=self._today.entries,
            consecutive_losses=self._today.losses_in_a_row,
            holdings=len(self.positions),
            equity=self.equity_before(day),
        )

    def equity_before(self, day: int) -> int:
        """Cash and holdings at the closes before `day`."""
        return self.cash + self._worth(day)

    def buy(
        self, row: int, day: int, *, price: Won, quantity: int, atr: float, reason: str
    ) -> Position:
        """Book a purchase; the position it opens, with its levels frozen."""
        cost, on = price * quantity, self._view.bars.dates[day]
        commission = self._settings.commission.on(cost)
        self.cash -= cost + commission
        self._today.entries += 1
        self._entry_day[row] = day
        symbol = self._view.bars.symbols[row]
        levels = entry_levels(
            cost=cost, quantity=quantity, atr=atr, parameters=self._settings.parameters
        )
        position = Position(
            symbol=symbol,
            quantity=quantity,
            cost=cost,
            levels=levels,
            entry_session=on,
            entered_at=datetime.combine(on, WITHIN, KST),
            highest=price,
            entry_fees=commission,
        )
        self.positions[row] = position
        self._fill(on, symbol, Side.BUY, quantity, price, commission, 0, reason)
        return position

    def sell(self, row: int, day: int, *, price: Won, reason: str) -> None:
        """Book the sale of everything held in a row."""
        position, on = self.positions.pop(row), self._view.bars.dates[day]
        amount, instrument = price * position.quantity, self._view.instrument(row)
        commission, tax = self._settings.commission.on(amount), 0
        if self._settings.is_taxed:
            tax = sale_tax(
                amount,
                market=instrument.market,
                product=instrument.product,
                settles_on=self._view.settles_on(day),
            )
        self.cash += amount - commission - tax
        pnl = amount - commission - tax - position.cost - position.entry_fees
        self._today.realised += pnl
        self._today.losses_in_a_row = self._today.losses_in_a_row + 1 if pnl < 0 else 0
        self._fill(
            on, position.symbol, Side.SELL, position.quantity, price, commission, tax, reason
        )
        self.trades.append(
            BacktestTrade(
                symbol=position.symbol,
                entry_session=position.entry_session,
                exit_session=on,
                quantity=position.quantity,
                entry_price=Won(position.cost // position.quantity),
                exit_price=price,
                reason=reason,
                commission=position.entry_fees + commission,
                tax=tax,
                pnl=pnl,
                bars=day - self._entry_day.pop(row),
                stop=position.levels.stop,
                take=position.levels.take,
                atr=position.levels.atr,
                highest=position.highest,
            )
        )

    def note(
        self, day: int, kind: EventKind, symbol: Symbol | None = None, detail: str = ""
    ) -> None:
        """Keep an event."""
        on = self._view.bars.dates[day]
        self.events.append(Event(session_date=on, kind=kind, symbol=symbol, detail=detail))

    def _worth(self, day: int) -> int:
        return sum(
            position.quantity * self._view.close_before(row, day)
            for row, position in self.positions.items()
        )

    def _risk_record(self) -> RiskRecord:
        if self._record is None:
            raise ValueError("no session has begun")
        return self._record

    def _fill(
        self,
        on: date,
        symbol: Symbol,
        side: Side,
        quantity: int,
        price: Won,
        commission: int,
        tax: int,
        reason: str,
    ) -> None:
        self.fills.append(
            BacktestFill(
                session_date=on,
                symbol=symbol,
                side=side,
                quantity=quantity,
                price=price,
                commission=commission,
                tax=tax,
                reason=reason,
            )
        )
