"""What was decided about a symbol: as a record tells it, and as a replay decides it again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from kis_adapters.recording.plain import plain
from kis_adapters.recording.record import Call
from kis_core.market.quote import Quote
from kis_core.session.settings import SessionSettings
from kis_core.strategy.decision import Decision
from kis_core.strategy.strategy import Strategy
from kis_core.strategy.trend_atr_strategy import TrendAtr


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One decision in plain values; `evidence` is what was compared for it."""

    symbol: str
    action: str
    reason: str
    evidence: Mapping[str, Any]


def verdict_on_record(call: Call) -> Verdict | None:
    """What `call` says was decided, where it says so."""
    said: Any = call.args[0] if call.args else None
    if not isinstance(said, dict):
        return None
    if call.name == "store.add_decision":
        compared = said.get("evidence")
    elif call.name == "notifier.tell" and said.get("kind") == "signal":
        fields = said.get("fields")
        compared = dict(fields) if isinstance(fields, dict) else {}
        said = {**said, "action": compared.pop("action", None)} | {
            "reason": compared.pop("reason", None)
        }
    else:
        return None
    return Verdict(
        symbol=str(said.get("symbol")),
        action=str(said.get("action")),
        reason=str(said.get("reason")),
        evidence=compared if isinstance(compared, dict) else {},
    )


def watched(settings: SessionSettings, seen: Callable[[Verdict], None]) -> SessionSettings:
    """`settings` whose strategies decide as before and show `seen` each decision."""
    overrides = {
        symbol: replace(own, strategy=_watched(own.strategy, seen)) if own.strategy else own
        for symbol, own in settings.overrides.items()
    }
    strategy = settings.strategy or TrendAtr(settings.parameters)
    return replace(settings, strategy=_watched(strategy, seen), overrides=overrides)


def _watched(strategy: Strategy, seen: Callable[[Verdict], None]) -> Strategy:
    return cast(Strategy, _Watched(strategy, seen))


class _Watched:
    """A strategy with a listener; everything but `decide` is the strategy's own."""

    def __init__(self, strategy: Strategy, seen: Callable[[Verdict], None]) -> None:
        self._strategy, self._seen = strategy, seen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strategy, name)

    def decide(self, *, quote: Quote, **asked: Any) -> Decision:
        decision = self._strategy.decide(quote=quote, **asked)
        self._seen(
            Verdict(
                symbol=quote.symbol,
                action=decision.action,
                reason=decision.reason,
                evidence=plain(decision.evidence),
            )
        )
        return decision
