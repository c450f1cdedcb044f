"""Short codes (kis-wire 7.7)."""

import pytest
import yaml

from kis_core.market.symbol import parse_symbol


@pytest.mark.req("U-12")
@pytest.mark.parametrize("text", ["005930", "000660", "035720"])
def test_six_digits_are_a_symbol(text: str) -> None:
    assert parse_symbol(text, allow_alphanumeric=False) == text


@pytest.mark.req("U-12")
def test_a_code_with_letters_is_a_symbol_only_where_allowed() -> None:
    assert parse_symbol("0126Z0", allow_alphanumeric=True) == "0126Z0"
    with pytest.raises(ValueError, match="allow_alphanumeric_codes"):
        parse_symbol("0126Z0", allow_alphanumeric=False)


@pytest.mark.req("U-11", "U-12")
@pytest.mark.parametrize(
    "text", ["", "5930", "0059301", "00593a", "005930\n", " 005930", "００５９３０", "005-30"]
)
@pytest.mark.parametrize("allow", [True, False])
def test_anything_else_is_refused_in_korean(text: str, *, allow: bool) -> None:
    with pytest.raises(ValueError, match="종목코드"):
        parse_symbol(text, allow_alphanumeric=allow)


@pytest.mark.req("U-12")
def test_what_yaml_made_of_an_unquoted_code_is_refused_not_guessed() -> None:
    mangled = yaml.safe_load("[000660, 035720]")  # octal 660 is 432; 035720 is octal too

    assert mangled[0] == 432
    for number in mangled:
        with pytest.raises(ValueError, match="따옴표"):
            parse_symbol(number, allow_alphanumeric=True)
