"""Frames of the wire reference read as it says, and everything else passed over."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kis_adapters.kis_ws.frame import Encrypted, Garbage, read_frame
from kis_adapters.kis_ws.notice import Notice, NoticeKey, read_notice
from kis_core.market.symbol import Symbol
from kis_core.market.trade_print import Print

EXAMPLES = Path(__file__).parents[2] / "data" / "kis-wire"
FRAMES: dict[str, str] = json.loads((EXAMPLES / "ws-frames.json").read_text(encoding="utf-8"))
KEY = NoticeKey(FRAMES["H0STCNI0_key"], FRAMES["H0STCNI0_iv"])

# By hand from the example's fields 0, 33, 1, 2, 4, 7-9, 12-14, 35.
FIRST = Print(
    Symbol("005930"),
    20261120,
    101530,
    70_500,
    500,
    70_100,
    70_900,
    69_800,
    12,
    10_012_345,
    704_512_345_600,
    False,
)
SECOND = Print(
    Symbol("005930"),
    20261120,
    101530,
    70_500,
    500,
    70_100,
    70_900,
    69_800,
    3,
    10_012_348,
    704_512_345_600,
    False,
)


def garbage(text: str) -> str:
    with pytest.raises(Garbage) as caught:
        read_frame(text)
    return caught.value.why


def edited(index: int, value: str, *, name: str = "H0STCNT0_single") -> str:
    head, payload = FRAMES[name].rsplit("|", 1)
    fields = payload.split("^")
    fields[index] = value
    return f"{head}|{'^'.join(fields)}"


@pytest.mark.req("W-01", "F-058")
@pytest.mark.parametrize("name", ["H0STCNT0_single", "H0STCNT0_legacy46_single"])
def test_a_trade_is_read_from_either_layout(name: str) -> None:
    assert read_frame(FRAMES[name]) == [FIRST]


@pytest.mark.req("W-01", "F-059")
def test_every_record_of_a_frame_is_read() -> None:
    assert read_frame(FRAMES["H0STCNT0_two_records"]) == [FIRST, SECOND]


@pytest.mark.req("W-01")
def test_several_records_of_the_old_layout_are_told_apart_by_total_and_count() -> None:
    payload = FRAMES["H0STCNT0_legacy46_single"].rsplit("|", 1)[1]

    frame = f"0|H0STCNT0|003|{'^'.join([payload] * 3)}"

    assert read_frame(frame) == [FIRST] * 3


@pytest.mark.req("K-13")
def test_fields_added_behind_the_known_ones_are_let_pass() -> None:
    assert read_frame(FRAMES["H0STCNT0_single"] + "^x^y") == [FIRST]


def test_a_falling_price_is_below_the_base_whether_or_not_its_change_is_signed() -> None:
    for change in ("-500", "500"):
        head, payload = FRAMES["H0STCNT0_single"].rsplit("|", 1)
        fields = payload.split("^")
        fields[3], fields[4] = "5", change

        (one,) = read_frame(f"{head}|{'^'.join(fields)}")  # type: ignore[misc]  # a list here

        assert one.base == 71_000


def test_a_halted_symbol_says_so() -> None:
    (one,) = read_frame(edited(35, "Y"))  # type: ignore[misc]  # a list here

    assert one.is_halted


@pytest.mark.req("W-08")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "outer"),
        ("nonsense", "outer"),
        ("0|H0STCNT0|001", "outer"),
        ("0|H0STCNT0|001|", "width"),
        ("0|H0STCNT0|001|005930^101530^70500", "width"),
        ("0|H0STCNT0|002|" + "^".join(["1"] * 93), "width"),
        ("0|H0STCNT0|000|", "width"),
        ("0|H0STCNT0|-01|", "width"),
        ("0|H0STCNT0|abc|", "width"),
        ("1|H0STCNT0|001|AAAA", "unknown_tr"),
        ("0|H0STCNI0|001|AAAA", "unknown_tr"),
        ("0|H0STXXX0|001|1^2", "unknown_tr"),
        (FRAMES["H0STASP0_single"], "unknown_tr"),
        (FRAMES["H0STMKO0_single"], "unknown_tr"),
        (FRAMES["H0STCNT0_single"].replace("|001|", "|002|"), "width"),
        (edited(2, "0"), "value"),
        (edited(2, "-70500"), "value"),
        (edited(2, ""), "field"),
        (edited(2, "70500.5"), "field"),
        (edited(13, "(null)"), "field"),
        (edited(0, "5930"), "value"),
        (edited(1, "246000"), "time"),
        (edited(1, "107530"), "time"),
        (edited(1, "101560"), "time"),
    ],
)
def test_what_makes_no_sense_is_garbage_with_its_reason(text: str, why: str) -> None:
    assert garbage(text) == why


@pytest.mark.req("W-08")
@given(text=st.text(max_size=300))
def test_no_text_whatever_raises_anything_but_garbage(text: str) -> None:
    for candidate in (text, f"0|H0STCNT0|001|{text}", f"1|H0STCNI0|001|{text}"):
        try:
            content = read_frame(candidate)
            if isinstance(content, Encrypted):
                read_notice(content.payload, KEY)
        except Garbage:
            pass


@pytest.mark.req("W-08")
@given(cut=st.integers(0, 240))
def test_a_truncated_frame_never_becomes_another_price(cut: int) -> None:
    frame = FRAMES["H0STCNT0_legacy46_single"]

    try:
        prints = read_frame(frame[:-cut] if cut else frame)
    except Garbage:
        return
    assert isinstance(prints, list)
    assert [(one.price, one.volume) for one in prints] == [(70_500, 10_012_345)]


@pytest.mark.req("W-04")
def test_a_notice_is_decrypted_and_read_for_its_order() -> None:
    content = read_frame(FRAMES["H0STCNI0_encrypted_fill_partial"])

    assert isinstance(content, Encrypted)
    assert read_notice(content.payload, KEY) == Notice(
        account="5000000101", order_no="117057", original_no="", symbol="005930"
    )


@pytest.mark.req("W-08")
@pytest.mark.parametrize(
    ("key", "iv", "why"),
    [
        ("0" * 32, KEY.iv, "notice_cipher"),
        ("short", KEY.iv, "notice_key"),
        (KEY.key, "short", "notice_key"),
    ],
)
def test_a_notice_of_another_key_is_garbage(key: str, iv: str, why: str) -> None:
    content = read_frame(FRAMES["H0STCNI0_encrypted_fill_partial"])
    assert isinstance(content, Encrypted)

    with pytest.raises(Garbage) as caught:
        read_notice(content.payload, NoticeKey(key, iv))

    assert caught.value.why == why


@pytest.mark.req("K-10")
def test_the_notice_key_does_not_show_itself() -> None:
    assert KEY.key not in repr(KEY)
    assert KEY.iv not in f"{KEY}"
