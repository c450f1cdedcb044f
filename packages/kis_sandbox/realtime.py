"""The simulator's realtime side without a socket: sessions, their registrations, and what is due
to be sent to each as the market goes on.

Prints come from the same tape that the REST quotes are read from. One session per app key; the
place of one that went without a good-bye stays taken for a while. Source: kis-wire section 6.
"""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from random import Random

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from kis_sandbox.order import Fill, Kind, Order
from kis_sandbox.path import microseconds
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.wire.ws_notice import fill_notice, receipt_notices
from kis_sandbox.wire.ws_trade import trade_record

PLACES = 41
PING_EVERY = timedelta(seconds=12)
_HELD_AFTER_DROP = timedelta(seconds=30)
_RECORDS_MAX = 4  # in one frame
TRADE, BOOK = "H0STCNT0", "H0STASP0"

Place = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class RealtimeOptions:
    """How the realtime side behaves; may be changed while it runs.

    `trade_fields` 46 or 47, `notice_fields` 23 or 26. `places`: registrations a session.
    """

    trade_fields: int = 47
    notice_fields: int = 26
    places: int = PLACES
    held_after_drop: timedelta = _HELD_AFTER_DROP


@dataclass(slots=True, kw_only=True)
class RealtimeSession:
    """One connection that has subscribed to something. `key` and `iv` encrypt its notices."""

    app_key: str
    key: str
    iv: str
    since: datetime
    places: list[Place] = field(default_factory=list)
    sent_until: dict[str, datetime] = field(default_factory=dict)
    orders_seen: int = 0
    fills_seen: int = 0
    remainders: set[tuple[object, int]] = field(default_factory=set)
    pinged_at: datetime | None = None
    silent_until: datetime | None = None


class Realtime:
    """All realtime sessions of one sandbox. Calls come under the sandbox's lock."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.options = RealtimeOptions()
        self._sandbox = sandbox
        self._owners: dict[str, RealtimeSession] = {}
        self._held_until: dict[str, datetime] = {}
        self._opened = 0

    @property
    def sessions(self) -> int:
        """How many sessions are open."""
        return len(self._owners)

    def open(self, app_key: str) -> RealtimeSession | None:
        """A session for `app_key`; None while another has it, or had it just now."""
        now = self._sandbox.exchange.now
        held = self._held_until.get(app_key)
        if app_key in self._owners or (held is not None and now < held):
            return None
        self._opened += 1
        # A secret of nobody's: the same seed and requests give the same answers.
        draw = Random(f"{self._sandbox.config.seed}:stream:{self._opened}")
        key, iv = draw.randbytes(16).hex(), draw.randbytes(8).hex()
        session = RealtimeSession(app_key=app_key, key=key, iv=iv, since=now)
        self._owners[app_key] = session
        return session

    def close(self, session: RealtimeSession, *, is_clean: bool) -> None:
        """The connection is gone; without a good-bye its place stays taken for a while."""
        if self._owners.get(session.app_key) is session:
            del self._owners[session.app_key]
            if not is_clean:
                until = self._sandbox.exchange.now + self.options.held_after_drop
                self._held_until[session.app_key] = until

    def subscribe(self, session: RealtimeSession, place: Place) -> None:
        """Register; what happens from now on is sent."""
        now = self._sandbox.exchange.now
        session.places.append(place)
        if place[0] == TRADE:
            session.sent_until[place[1]] = now
            return
        session.orders_seen = len(self._sandbox.exchange.orders)
        session.fills_seen = len(self._sandbox.exchange.account.fills)

    def unsubscribe(self, session: RealtimeSession, place: Place) -> None:
        """Take a registration back."""
        session.places.remove(place)
        session.sent_until.pop(place[1], None)

    def due(self, session: RealtimeSession) -> list[str]:
        """The data frames that are due to `session` now, in the order of what happened: trades,
        several records of one symbol in a frame; notices are `due_notices`."""
        exchange = self._sandbox.exchange
        now = exchange.now
        records: list[tuple[int, str, str]] = []
        for tr_id, symbol in session.places:
            if tr_id == TRADE:
                records += self._records(symbol, session.sent_until[symbol], now)
                session.sent_until[symbol] = now
        records.sort(key=lambda record: record[0])
        return list(_framed(records))

    def due_notices(self, session: RealtimeSession) -> list[str]:
        """The encrypted notices that are due to `session` now, in the order of what happened."""
        tr_id = next((place[0] for place in session.places if place[0].startswith("H0STCNI")), None)
        if tr_id is None:
            return []
        return [
            f"1|{tr_id}|001|{_encrypted(text, session)}" for text in self._notice_texts(session)
        ]

    def is_ping_due(self, session: RealtimeSession) -> bool:
        """Whether to ask if the client is there; counts as asked."""
        now = self._sandbox.exchange.now
        last = session.pinged_at or session.since
        if now - last < PING_EVERY:
            return False
        session.pinged_at = now
        return True

    def _records(
        self, symbol: str, after: datetime, until: datetime
    ) -> Iterator[tuple[int, str, str]]:
        """Time, symbol and record of every trade in (after, until]; days are not mixed."""
        day = self._sandbox.exchange.tape.day(symbol, until.date())
        if day is None or self._sandbox.calendar.session(until.date()) is None:
            return
        first = 0 if after.date() < until.date() else day.path.count_until(microseconds(after))
        for index in range(first, day.path.count_until(microseconds(until))):
            record = trade_record(day, index, fields=self.options.trade_fields)
            yield day.path.times_us[index], symbol, record

    def _notice_texts(self, session: RealtimeSession) -> list[str]:
        exchange = self._sandbox.exchange
        orders, fills = exchange.orders, exchange.account.fills
        happened: list[tuple[datetime, str]] = []
        for order in orders[session.orders_seen :]:
            texts = receipt_notices(self._sandbox, order, fields=self.options.notice_fields)
            happened += [(order.accepted_at, text) for text in texts]
        for fill in fills[session.fills_seen :]:
            happened.append((fill.at, self._fill_text(orders, fill)))
        session.orders_seen, session.fills_seen = len(orders), len(fills)
        happened += self._remainder_texts(session, orders)
        happened.sort(key=lambda one: one[0])
        return [text for _, text in happened]

    def _fill_text(self, orders: Iterable[Order], fill: Fill) -> str:
        order = next(
            order
            for order in orders
            if (order.session_date, order.number) == (fill.session_date, fill.number)
        )
        return fill_notice(self._sandbox, order, fill, fields=self.options.notice_fields)

    def _remainder_texts(
        self, session: RealtimeSession, orders: Iterable[Order]
    ) -> Iterator[tuple[datetime, str]]:
        """What an IOC or FOK order left over is told once."""
        for order in orders:
            name = (order.session_date, order.number)
            is_left = order.order_type.is_immediate and order.cancelled_quantity > 0
            if order.kind is Kind.CANCEL or not is_left or name in session.remainders:
                continue
            session.remainders.add(name)
            if order.accepted_at < session.since:
                continue
            texts = receipt_notices(
                self._sandbox, order, fields=self.options.notice_fields, is_remainder=True
            )
            yield from ((order.last_fill_at or order.accepted_at, text) for text in texts)


def _framed(records: list[tuple[int, str, str]]) -> Iterator[str]:
    """Trade frames: neighbours of one symbol share one, up to `_RECORDS_MAX`."""
    for _, run in groupby(records, key=lambda record: record[1]):
        texts = [record for _, _, record in run]
        for start in range(0, len(texts), _RECORDS_MAX):
            part = texts[start : start + _RECORDS_MAX]
            yield f"0|{TRADE}|{len(part):03d}|{'^'.join(part)}"


def _encrypted(text: str, session: RealtimeSession) -> str:
    padder = PKCS7(AES.block_size).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = Cipher(AES(session.key.encode()), CBC(session.iv.encode())).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()
