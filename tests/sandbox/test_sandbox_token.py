"""OAuth as the reference describes it (kis-wire section 1)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Serve, WireClient

EXAMPLES = Path(__file__).parents[1] / "data" / "kis-wire"
PRICE = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "005930"}


def example(name: str) -> dict[str, object]:
    body: dict[str, object] = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return body


@pytest.mark.req("X-01")
def test_a_token_has_the_keys_and_types_of_its_example(serve: "Serve") -> None:
    client = serve()
    client.advance("2026-11-24T09:00:00+09:00")

    body = client.issue_token().json()

    expected = example("oauth2-tokenP")
    assert {k: type(v) for k, v in body.items()} == {k: type(v) for k, v in expected.items()}
    assert body["token_type"] == "Bearer"


@pytest.mark.req("X-01")
def test_a_new_token_lives_a_day(serve: "Serve") -> None:
    client = serve()  # logs in at 08:50
    client.advance("2026-11-25T09:00:00+09:00")

    body = client.issue_token().json()

    assert body["expires_in"] == 86_400
    assert body["access_token_token_expired"] == "2026-11-26 09:00:00"


@pytest.mark.req("X-01")
def test_a_second_request_within_a_minute_is_refused(paper: "WireClient") -> None:
    paper.advance("2026-11-24T08:50:59+09:00")

    answer = paper.issue_token()

    assert answer.status_code == 403
    assert answer.json() == example("oauth2-tokenP-error-EGW00133")


@pytest.mark.req("X-01")
def test_the_same_token_comes_again_within_six_hours(paper: "WireClient") -> None:
    paper.advance("2026-11-24T14:49:59+09:00")

    body = paper.issue_token().json()

    assert body["access_token"] == paper.token
    assert body["access_token_token_expired"] == "2026-11-25 08:50:00"


@pytest.mark.req("X-01")
def test_another_token_comes_after_six_hours(paper: "WireClient") -> None:
    paper.advance("2026-11-24T14:50:00+09:00")

    body = paper.issue_token().json()

    assert body["access_token"] != paper.token
    assert body["access_token_token_expired"] == "2026-11-25 14:50:00"


@pytest.mark.req("X-01")
def test_a_token_is_refused_as_expired_after_exactly_a_day(serve: "Serve") -> None:
    client = serve(latency_ms=0)
    client.advance("2026-11-25T08:49:59.999999+09:00")
    alive = client.call("inquire-price", **PRICE)

    client.advance("2026-11-25T08:50:00+09:00")
    answer = client.call("inquire-price", **PRICE)

    assert alive.status_code == 200
    assert (answer.status_code, answer.json()["msg_cd"]) == (500, "EGW00123")


@pytest.mark.req("X-01")
def test_a_revoked_token_is_refused_and_another_is_issued(paper: "WireClient") -> None:
    keys = {"appkey": paper.info["app_key"], "appsecret": paper.info["app_secret"]}

    revoked = paper.http.post("/oauth2/revokeP", json={**keys, "token": paper.token})
    refused = paper.call("inquire-price", **PRICE)
    paper.advance("2026-11-24T09:00:00+09:00")
    again = paper.issue_token().json()["access_token"]

    assert revoked.json() == example("oauth2-revokeP")
    assert (refused.status_code, refused.json()["msg_cd"]) == (500, "EGW00121")
    assert again != paper.token


@pytest.mark.req("X-01")
@pytest.mark.parametrize(("field", "code"), [("appkey", "EGW00103"), ("appsecret", "EGW00105")])
def test_a_wrong_key_is_refused_in_oauths_own_shape(
    paper: "WireClient", field: str, code: str
) -> None:
    keys = {"appkey": paper.info["app_key"], "appsecret": paper.info["app_secret"]}

    answer = paper.http.post(
        "/oauth2/tokenP", json={"grant_type": "client_credentials", **keys, field: "wrong"}
    )

    assert answer.status_code == 403
    assert set(answer.json()) == {"error_code", "error_description"}
    assert answer.json()["error_code"] == code


@pytest.mark.req("X-01")
def test_a_wrong_key_has_the_words_of_its_example(paper: "WireClient") -> None:
    answer = paper.http.post("/oauth2/tokenP", json={"appkey": "wrong", "appsecret": "wrong"})

    assert answer.json() == example("oauth2-tokenP-error-EGW00103")


@pytest.mark.req("X-01")
def test_an_approval_key_asks_for_the_secret_as_secretkey(paper: "WireClient") -> None:
    key, secret = paper.info["app_key"], paper.info["app_secret"]

    right = paper.http.post("/oauth2/Approval", json={"appkey": key, "secretkey": secret})
    wrong = paper.http.post("/oauth2/Approval", json={"appkey": key, "appsecret": secret})

    assert set(right.json()) == set(example("oauth2-Approval"))
    assert wrong.status_code == 403


@pytest.mark.req("X-01")
def test_a_hashkey_echoes_its_body(paper: "WireClient") -> None:
    body = example("uapi-hashkey")["BODY"]

    answer = paper.http.post("/uapi/hashkey", json=body).json()

    assert answer["BODY"] == body
    assert len(answer["HASH"]) == 64


@pytest.mark.req("X-01", "X-05")
def test_the_faults_of_any_route_strike_a_token_too(paper: "WireClient") -> None:
    paper.advance("2026-11-24T15:00:00+09:00")
    for kind in ("http_500", "rate_limit", "outcome_unknown", "html", "empty_body"):
        paper.server.faults.add("tokenP", kind, count=1)
        answer = paper.issue_token()
        match kind:
            case "http_500":
                assert answer.status_code == 500
                assert answer.json()["msg_cd"] == ""
            case "rate_limit":
                assert answer.status_code == 403
                assert answer.json() == example("oauth2-tokenP-error-EGW00133")
            case "outcome_unknown":
                assert answer.json()["msg_cd"] == "EGW00302"
                paper.advance("2026-11-24T15:02:00+09:00")  # it was issued all the same
            case "html":
                assert answer.text.startswith("<html>")
            case _:
                assert answer.content == b""


@pytest.mark.req("X-01")
@pytest.mark.parametrize("content", ["[]", "1", '"x"', "{", ""])
def test_a_body_that_is_no_object_is_refused(paper: "WireClient", content: str) -> None:
    answer = paper.http.post("/oauth2/tokenP", content=content)

    assert answer.status_code in (403, 500)
    assert "access_token" not in answer.json()
