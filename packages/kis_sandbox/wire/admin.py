"""The simulator's own interface under /sandbox: clock, ledger, switches, faults.

It answers in plain JSON with the truth, whatever the wire shows late or wrong.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from kis_core.market.session import KST
from kis_sandbox.clock import ClockBackwards, ClockMode
from kis_sandbox.faults import Fault
from kis_sandbox.order import Fill, Order
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.switch import Switch
from kis_sandbox.wire.answer import Answer

Json = dict[str, object]


class BadRequest(Exception):
    """What was asked makes no sense; the message says why."""


def answer(sandbox: Sandbox, method: str, path: str, body: Mapping[str, object]) -> Answer:
    """Answer an admin call on `path` (without the /sandbox prefix)."""
    sandbox.catch_up()
    try:
        if path.startswith("symbols/") and method == "POST":
            return Answer(body=_throw(sandbox, path.removeprefix("symbols/"), body))
        handler = _HANDLERS.get((method, path))
        if handler is None:
            return _failed(404, f"no such admin call: {method} /sandbox/{path}")
        return Answer(body=handler(sandbox, body))
    except ClockBackwards as error:
        return _failed(409, f"the clock does not go backwards: {error}")
    except (BadRequest, ValueError) as error:
        return _failed(400, str(error))


def info(sandbox: Sandbox, base_url: str) -> Json:
    """How to reach and use this simulator; also its start line."""
    own = sandbox.credentials
    return {
        "mode": sandbox.config.mode.value,
        "app_key": own.app_key,
        "app_secret": own.app_secret,
        "account_no": own.account_no,
        "product_code": own.product_code,
        "base_url": base_url,
        "seed": sandbox.config.seed,
        "hts_id": own.hts_id,
    }


def ledger(sandbox: Sandbox) -> Json:
    """The whole truth about the account."""
    exchange = sandbox.exchange
    account = exchange.account
    tomorrow = exchange.calendar.after(exchange.today)
    return {
        "cash": account.cash,
        "cash_d1": account.cash_on(tomorrow),
        "cash_d2": account.cash_d2,
        "orderable_cash": exchange.orderable_cash,
        "holdings": [
            {"symbol": symbol, "quantity": holding.quantity, "cost": holding.cost}
            for symbol, holding in account.holdings.items()
            if holding.quantity
        ],
        "orders": [_order(sandbox, order) for order in exchange.orders],
        "fills": [_fill(fill) for fill in account.fills],
        "fees_total": account.fees_total,
        "taxes_total": account.taxes_total,
        "requests": dict(sandbox.requests),
    }


def _clock(sandbox: Sandbox, _body: Mapping[str, object]) -> Json:
    clock = sandbox.clock
    return {"mode": clock.mode.value, "now": _iso(sandbox.exchange.now), "speed": clock.speed}


def _change_clock(sandbox: Sandbox, body: Mapping[str, object]) -> Json:
    mode, speed = body.get("mode"), body.get("speed")
    sandbox.clock.change(
        mode=None if mode is None else ClockMode(str(mode)),
        speed=None if speed is None else float(str(speed)),
    )
    return _clock(sandbox, {})


def _advance(sandbox: Sandbox, body: Mapping[str, object]) -> Json:
    to = datetime.fromisoformat(str(body.get("to", "")))
    if to.tzinfo is None:
        to = to.replace(tzinfo=KST)
    return {"now": _iso(sandbox.advance(to))}


def _ledger(sandbox: Sandbox, _body: Mapping[str, object]) -> Json:
    return ledger(sandbox)


def _throw(sandbox: Sandbox, symbol: str, body: Mapping[str, object]) -> Json:
    if sandbox.listing.find(symbol) is None:
        raise BadRequest(f"no such symbol: {symbol}")
    unknown = set(body) - {"halted", "managed", "warned", "vi", "price_shock_pct"}
    if unknown:
        raise BadRequest(f"unknown switches: {sorted(unknown)}")
    shock = body.get("price_shock_pct")
    switch = Switch(
        at=sandbox.exchange.now,
        symbol=symbol,
        halted=_flag(body, "halted"),
        managed=_flag(body, "managed"),
        warned=_flag(body, "warned"),
        vi=_flag(body, "vi"),
        price_shock_pct=None if shock is None else float(str(shock)),
    )
    sandbox.throw(switch)
    state = sandbox.exchange.state(symbol)
    assert state is not None, symbol
    return {
        "symbol": symbol,
        "last": state.last,
        "halted": state.is_halted,
        "managed": state.is_managed,
        "warned": state.is_warned,
        "vi": state.interruption is not None,
    }


def _flag(body: Mapping[str, object], name: str) -> bool | None:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadRequest(f"{name} must be true or false, was {value!r}")
    return value


def _add_fault(sandbox: Sandbox, body: Mapping[str, object]) -> Json:
    count, probability, params = (body.get(k) for k in ("count", "probability", "params"))
    if params is not None and not isinstance(params, dict):
        raise BadRequest("params must be an object")
    fault = sandbox.faults.add(
        str(body.get("route", "*")),
        str(body.get("kind", "")),
        count=None if count is None else int(str(count)),
        probability=None if probability is None else float(str(probability)),
        params=params,
    )
    return _fault(fault)


def _list_faults(sandbox: Sandbox, _body: Mapping[str, object]) -> Json:
    return {"faults": [_fault(fault) for fault in sandbox.faults.installed()]}


def _clear_faults(sandbox: Sandbox, _body: Mapping[str, object]) -> Json:
    sandbox.faults.clear()
    return {"faults": []}


def _fault(fault: Fault) -> Json:
    return {
        "number": fault.number,
        "route": fault.route,
        "kind": fault.kind.value,
        "count": fault.count,
        "probability": fault.probability,
        "params": dict(fault.params),
        "struck": fault.struck,
    }


def _order(sandbox: Sandbox, order: Order) -> Json:
    original = order.original_number
    return {
        "date": order.session_date.isoformat(),
        "order_no": order.order_no,
        "branch": sandbox.branch,
        "symbol": order.symbol,
        "side": order.side.value,
        "quantity": order.quantity,
        "price": order.price,
        "order_type": order.order_type.value,
        "accepted_at": _iso(order.accepted_at),
        "filled_quantity": order.filled_quantity,
        "filled_amount": order.filled_amount,
        "cancelled_quantity": order.cancelled_quantity,
        "rejected_quantity": order.rejected_quantity,
        "original_no": None if original is None else f"{original:010d}",
        "kind": order.kind.value,
    }


def _fill(fill: Fill) -> Json:
    return {
        "date": fill.session_date.isoformat(),
        "order_no": f"{fill.number:010d}",
        "symbol": fill.symbol,
        "side": fill.side.value,
        "quantity": fill.quantity,
        "price": fill.price,
        "at": _iso(fill.at),
        "commission": fill.commission,
        "commission_cumulative": fill.commission_cumulative,
        "tax": fill.tax,
    }


def _iso(instant: datetime) -> str:
    return instant.astimezone(KST).isoformat(timespec="microseconds")


def _failed(status: int, why: str) -> Answer:
    return Answer(body={"error": why}, status=status)


_HANDLERS: dict[tuple[str, str], Callable[[Sandbox, Mapping[str, object]], Json]] = {
    ("GET", "clock"): _clock,
    ("POST", "clock"): _change_clock,
    ("POST", "clock/advance"): _advance,
    ("GET", "ledger"): _ledger,
    ("POST", "faults"): _add_fault,
    ("GET", "faults"): _list_faults,
    ("DELETE", "faults"): _clear_faults,
}
