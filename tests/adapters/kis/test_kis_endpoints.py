"""Which server and which TR a mode may use."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kis_adapters.kis.endpoints import (
    ENDPOINTS,
    MULTI_PRICE,
    PAPER_URL,
    REAL_URL,
    Endpoint,
    checked_base_url,
    default_base_url,
)
from kis_adapters.kis.errors import UnsupportedInMode
from kis_core.orders.identity import TradingMode

PAPER, REAL, VIRTUAL = TradingMode.PAPER, TradingMode.REAL, TradingMode.VIRTUAL

# kis-wire sections 4 and 5: what the paper server has, and under which id.
ON_PAPER = {
    "FHKST01010100",
    "FHKST01010200",
    "FHKST01010400",
    "FHKST03010100",
    "FHKST03010200",
    "FHKUP03500100",
    "VTTC0011U",
    "VTTC0012U",
    "VTTC0013U",
    "VTTC8908R",
    "VTTC0081R",
    "VTSC9215R",
    "VTTC8434R",
}
REAL_ONLY = {
    "FHPST01010000",
    "FHKST03010230",
    "FHPST01710000",
    "FHPST01740000",
    "CTCA0903R",
    "CTPF1002R",
    "CTPF1604R",
    "FHKST11300006",
    "FHPUP02100000",
    "FHPUP02120000",
    "FHPST01390000",
    "TTTC8408R",
    "TTTC0084R",
    "TTTC8494R",
    "CTRP6548R",
}


@pytest.mark.req("M-07", "K-04", "F-007")
@given(endpoint=st.sampled_from(ENDPOINTS), mode=st.sampled_from([PAPER, VIRTUAL]))
def test_no_mode_but_real_yields_a_real_accounts_tr(endpoint: Endpoint, mode: TradingMode) -> None:
    if not endpoint.is_offered(mode):
        with pytest.raises(UnsupportedInMode, match=f"제공되지.*{re.escape(endpoint.substitute)}"):
            endpoint.tr_id(mode)
        return

    tr_id = endpoint.tr_id(mode)

    assert tr_id[0] in "VF"
    assert tr_id in ON_PAPER


@pytest.mark.req("K-04", "K-06")
def test_the_capability_table_is_the_brokers() -> None:
    offered = {endpoint.tr_id(PAPER) for endpoint in ENDPOINTS if endpoint.is_offered(PAPER)}
    missing = {endpoint.real for endpoint in ENDPOINTS if not endpoint.is_offered(PAPER)}

    assert offered == ON_PAPER
    assert missing == REAL_ONLY
    assert all(endpoint.is_offered(REAL) for endpoint in ENDPOINTS)
    assert len({endpoint.name for endpoint in ENDPOINTS}) == len(ENDPOINTS)


@pytest.mark.req("M-07", "K-04")
@given(
    real=st.from_regex(r"[TJC][A-Z]{3}[0-9]{4}[RU]", fullmatch=True),
    paper=st.from_regex(r"[TJCV][A-Z]{3}[0-9]{4}[RU]", fullmatch=True),
)
def test_an_endpoint_with_a_wrong_paper_id_cannot_be_made(real: str, paper: str) -> None:
    if paper == f"V{real[1:]}":
        assert Endpoint(name="x", path="/x", real=real, paper=paper).tr_id(PAPER) == paper
        return

    with pytest.raises(ValueError):
        Endpoint(name="x", path="/x", real=real, paper=paper)


@pytest.mark.req("K-06")
def test_an_unsupported_call_names_its_substitute() -> None:
    with pytest.raises(UnsupportedInMode, match="종목별 inquire-price"):
        MULTI_PRICE.tr_id(PAPER)


@pytest.mark.req("K-11")
def test_the_official_hosts_are_the_defaults() -> None:
    assert default_base_url(PAPER) == "https://openapivts.koreainvestment.com:29443" == PAPER_URL
    assert default_base_url(REAL) == "https://openapi.koreainvestment.com:9443" == REAL_URL
    with pytest.raises(ValueError):
        default_base_url(VIRTUAL)


@pytest.mark.req("K-11")
@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:9/", "https://kis.example:443/"],
)
def test_a_compatible_server_may_be_used(url: str) -> None:
    assert checked_base_url(url, PAPER) == url.rstrip("/")


@pytest.mark.req("K-11", "M-07")
@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("http://192.168.0.7:8080", PAPER),
        ("http://localhost.example.com", PAPER),
        ("http://127.0.0.1.example.com", PAPER),
        ("http://openapivts.koreainvestment.com:29443", PAPER),
        ("ftp://127.0.0.1", PAPER),
        ("127.0.0.1:8080", PAPER),
        ("", PAPER),
        ("https://", PAPER),
        ("https://user:word@kis.example", PAPER),
        ("https://kis.example?x=1", PAPER),
        (REAL_URL, PAPER),
        ("https://OPENAPI.KoreaInvestment.com", PAPER),
        ("https://openapi.koreainvestment.com.:9443", PAPER),
        ("https://ops.koreainvestment.com", PAPER),
        (PAPER_URL, REAL),
        ("https://kis.example", VIRTUAL),
    ],
)
def test_any_other_server_is_refused(url: str, mode: TradingMode) -> None:
    with pytest.raises(ValueError, match=r"[가-힣]"):
        checked_base_url(url, mode)
