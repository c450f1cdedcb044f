"""What a reader must know before believing a result: said on the report itself.

The sentences are Korean, for the report; each names the figure that it is about.
"""

from kis_core.research.metrics import SESSIONS_A_YEAR, Metrics

FEW_TRADES = 30  # below it a mean trade says next to nothing about the next one
_LOW_EXPOSURE_PCT = 20.0
_SHORT_YEARS = 3.0
_MANY_TURNOVERS = 12.0

ALWAYS = (
    "과거의 결과입니다. 앞으로의 수익을 말해 주지 않습니다.",
    "같은 자료로 값을 고른 뒤 같은 자료로 본 결과라면 실제보다 좋게 나옵니다"
    " (--mode sweep --walk-forward 로 확인하세요).",
)


def pitfalls(metrics: Metrics, *, sessions: int) -> tuple[str, ...]:
    """The warnings that `metrics` of `sessions` sessions call for, most telling first."""
    found = []
    if metrics.trades < FEW_TRADES:
        found.append(
            f"거래가 {metrics.trades}건뿐입니다. {FEW_TRADES}건이 안 되면 승률과 기대값은"
            " 우연과 구별되지 않습니다."
        )
    if metrics.exposure_pct < _LOW_EXPOSURE_PCT:
        idle = 100.0 - metrics.exposure_pct
        found.append(
            f"자금의 {idle:.0f}%는 놀고 있었습니다(평균 노출 {metrics.exposure_pct:.1f}%)."
            " 수익률과 최대 낙폭은 놀던 현금까지 나눈 값입니다."
        )
    years = sessions / SESSIONS_A_YEAR
    if years < _SHORT_YEARS:
        found.append(
            f"기간이 {years:.1f}년입니다. 한 가지 장세만 보았을 수 있고, 연 환산값은 더 믿기"
            " 어렵습니다."
        )
    if metrics.turnover is not None and metrics.turnover > _MANY_TURNOVERS:
        found.append(
            f"계좌가 한 해에 {metrics.turnover:.0f}번 돌았습니다. 미끄러짐과 비용의 가정이 조금만"
            " 달라도 결과가 뒤집힙니다."
        )
    return (*found, *ALWAYS)
