"""Rankings: volume-rank by traded value and market-cap, thirty rows at most, REAL only.

Neither pages: a wider view is several boards asked in turn. Ranks run from 1 without gaps, each
issue once; an answer that does not is refused, never taken for a short market.
Source: kis-wire sections 4.8, 4.9.
"""

from collections.abc import Mapping
from typing import Any

from kis_adapters.kis.budget import Priority
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.endpoints import MARKET_CAP, VOLUME_RANK, Endpoint
from kis_adapters.kis.errors import KisImplausible
from kis_adapters.kis.wire import Count, Name, Text, Wire, read, rows_at
from kis_core.ports.market_scan import Board, RankedIssue, Ranking

_ROWS_MAX = 30
_BOARDS = {Board.ALL: "0000", Board.KOSPI: "0001", Board.KOSDAQ: "1001", Board.KOSPI200: "2001"}
_BY_TRADED_VALUE = "3"  # FID_BLNG_CLS_CODE 거래금액순
_COMMON = "1"  # FID_DIV_CLS_CODE 보통주
# FID_TRGT_EXLS_CLS_CODE, one flag each: 투자위험/경고/주의, 관리종목, 정리매매, 불성실공시, 우선주,
# 거래정지, ETF, ETN, 신용주문불가, SPAC. Funds, SPACs and what does not trade would take places.
_EXCLUDED = "0010011101"


class _VolumeRow(Wire):
    mksc_shrn_iscd: Name
    hts_kor_isnm: Text = ""
    data_rank: Count
    acml_tr_pbmn: Count


class _SizeRow(Wire):
    mksc_shrn_iscd: Name
    hts_kor_isnm: Text = ""
    data_rank: Count
    stck_avls: Count


class KisRankings:
    """Asks for rankings."""

    def __init__(self, client: KisClient) -> None:
        self._client = client

    def ranking(self, ranking: Ranking, board: Board) -> tuple[RankedIssue, ...]:
        """The issues in order of rank. Raises KisError."""
        if ranking is Ranking.TRADED_VALUE:
            return self._by_traded_value(board)
        return self._by_market_cap(board)

    def _by_traded_value(self, board: Board) -> tuple[RankedIssue, ...]:
        params = {
            "FID_COND_MRKT_DIV_CODE": "J",
            "FID_COND_SCR_DIV_CODE": "20171",
            "FID_INPUT_ISCD": _BOARDS[board],
            "FID_DIV_CLS_CODE": _COMMON,
            "FID_BLNG_CLS_CODE": _BY_TRADED_VALUE,
            "FID_TRGT_CLS_CODE": "111111111",
            "FID_TRGT_EXLS_CLS_CODE": _EXCLUDED,
            "FID_INPUT_PRICE_1": "",
            "FID_INPUT_PRICE_2": "",
            "FID_VOL_CNT": "",
            "FID_INPUT_DATE_1": "",
        }
        rows = [
            read(_VolumeRow, row, endpoint=VOLUME_RANK.name)
            for row in self._rows(VOLUME_RANK, params)
        ]
        issues = [
            RankedIssue(
                code=row.mksc_shrn_iscd,
                name=row.hts_kor_isnm,
                rank=row.data_rank,
                amount=row.acml_tr_pbmn,
            )
            for row in rows
        ]
        return _believed(VOLUME_RANK, issues)

    def _by_market_cap(self, board: Board) -> tuple[RankedIssue, ...]:
        params = {
            "fid_cond_mrkt_div_code": "J",
            "fid_cond_scr_div_code": "20174",
            "fid_div_cls_code": _COMMON,
            "fid_input_iscd": _BOARDS[board],
            "fid_trgt_cls_code": "0",
            "fid_trgt_exls_cls_code": "0",
            "fid_input_price_1": "",
            "fid_input_price_2": "",
            "fid_vol_cnt": "",
        }
        rows = [
            read(_SizeRow, row, endpoint=MARKET_CAP.name) for row in self._rows(MARKET_CAP, params)
        ]
        issues = [
            RankedIssue(
                code=row.mksc_shrn_iscd,
                name=row.hts_kor_isnm,
                rank=row.data_rank,
                amount=row.stck_avls,
            )
            for row in rows
        ]
        return _believed(MARKET_CAP, issues)

    def _rows(self, endpoint: Endpoint, params: Mapping[str, str]) -> list[Mapping[str, Any]]:
        envelope = self._client.get(endpoint, params, priority=Priority.SCAN)
        rows = rows_at(envelope.body, "output", endpoint=endpoint.name)
        return [row for row in rows if row]  # an empty market answers with empty objects


def _believed(endpoint: Endpoint, issues: list[RankedIssue]) -> tuple[RankedIssue, ...]:
    """The issues by rank, if they are a ranking. Raises KisImplausible."""
    ordered = sorted(issues, key=lambda issue: issue.rank)
    if len(ordered) > _ROWS_MAX:
        raise KisImplausible(endpoint.name, f"{len(ordered)} rows, at most {_ROWS_MAX} are known")
    if [issue.rank for issue in ordered] != list(range(1, len(ordered) + 1)):
        raise KisImplausible(endpoint.name, "ranks with gaps or repeats")
    if len({issue.code for issue in ordered}) != len(ordered):
        raise KisImplausible(endpoint.name, "an issue ranked twice")
    return tuple(ordered)
