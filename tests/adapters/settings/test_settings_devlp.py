"""Keys from the broker's own kis_devlp.yaml: the pair of the mode, and never the other one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.settings import Settings

Load = Callable[..., Settings]

FILE = """\
# as the broker's samples have it
my_app: "FAKE-REAL-APP"
my_sec: "FAKE-REAL-SEC"
paper_app: "FAKE-PAPER-APP"
paper_sec: "FAKE-PAPER-SEC"
my_htsid: "fakehts"
my_acct_stock: "99100001"
my_acct_future: "99100003"
my_paper_stock: "99000001"
my_paper_future: "99000003"
my_prod: "01"
prod: "https://openapi.koreainvestment.com:9443"
vps: "https://openapivts.koreainvestment.com:29443"
my_token: ""
my_agent: "Mozilla/5.0"
"""


@pytest.fixture
def devlp(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """The variable that names a file with `text`, in `mode`."""

    def name(text: str = FILE, mode: str = "PAPER") -> dict[str, str]:
        path = tmp_path / "kis_devlp.yaml"
        path.write_text(text, encoding="utf-8")
        return {"TRADING_MODE": mode, "KIS_DEVLP_FILE": str(path)}

    return name


def _keys(settings: Settings) -> tuple[str, ...]:
    given = settings.credentials
    assert given is not None
    secrets = (given.app_key, given.app_secret, given.account_no)
    return (*(secret.get_secret_value() for secret in secrets), given.product_code)


@pytest.mark.req("M-21", "M-06", "F-007")
@pytest.mark.parametrize(
    ("mode", "keys"),
    [
        ("PAPER", ("FAKE-PAPER-APP", "FAKE-PAPER-SEC", "99000001", "01")),
        ("REAL", ("FAKE-REAL-APP", "FAKE-REAL-SEC", "99100001", "01")),
    ],
)
def test_each_mode_takes_its_own_pair_out_of_the_file(
    load: Load, devlp: Callable[..., dict[str, str]], mode: str, keys: tuple[str, ...]
) -> None:
    settings = load(environ=devlp(mode=mode))

    assert _keys(settings) == keys
    assert settings.api.hts_id is not None
    assert settings.sources["credentials.app_key"] == "KIS_DEVLP_FILE"


@pytest.mark.req("M-21", "M-06", "K-10")
def test_nothing_of_the_real_pair_is_in_papers_settings(
    load: Load, devlp: Callable[..., dict[str, str]]
) -> None:
    settings = load(environ=devlp())

    everything = f"{settings!r} {settings.masked()} {settings.sources} {settings.secret_values()}"
    for real in ("FAKE-REAL", "99100001"):
        assert real not in everything
    assert "FAKE-PAPER-APP" not in repr(settings) + repr(settings.masked())


@pytest.mark.req("M-21", "M-06", "F-007")
@pytest.mark.parametrize("mode", ["PAPER", "REAL"])
@pytest.mark.parametrize(("paper", "real"), [("PAPER-APP", "REAL-APP"), ("PAPER-SEC", "REAL-SEC")])
def test_one_key_in_both_places_is_refused_naming_the_fields(
    load: Load, devlp: Callable[..., dict[str, str]], mode: str, paper: str, real: str
) -> None:
    text = FILE.replace(f"FAKE-{paper}", f"FAKE-{real}")

    with pytest.raises(
        SettingsError, match=r"paper_(app|sec)와 my_(app|sec)이 같습니다"
    ) as refused:
        load(environ=devlp(text, mode))

    assert "FAKE" not in refused.value.message_ko


@pytest.mark.req("M-21", "M-06")
@pytest.mark.parametrize("where", ["environ", "dotenv"])
def test_a_real_key_in_a_variable_stops_paper_beside_the_file_too(
    load: Load, devlp: Callable[..., dict[str, str]], where: str
) -> None:
    given = devlp()
    dotenv = "REAL_KIS_APP_KEY=FAKE-KEY\n" if where == "dotenv" else ""
    environ = given | ({"REAL_KIS_APP_KEY": "FAKE-KEY"} if where == "environ" else {})

    with pytest.raises(SettingsError, match="REAL_KIS_APP_KEY"):
        load(environ=environ, dotenv=dotenv)


@pytest.mark.req("M-21", "M-05")
def test_the_two_modes_of_m_05_are_refused_before_the_file_matters(
    load: Load, devlp: Callable[..., dict[str, str]]
) -> None:
    with pytest.raises(SettingsError, match="서로 다릅니다"):
        load(environ=devlp(), dotenv="TRADING_MODE=REAL\n")


@pytest.mark.req("M-21")
@pytest.mark.parametrize("name", ["KIS_APP_KEY", "KIS_APP_SECRET", "KIS_ACCOUNT_NO"])
def test_keys_from_two_places_are_refused(
    load: Load, devlp: Callable[..., dict[str, str]], name: str
) -> None:
    with pytest.raises(SettingsError, match=f"KIS_DEVLP_FILE과 {name}"):
        load(environ=devlp(), dotenv=f"{name}=99000009\n")


@pytest.mark.req("M-21")
def test_dotenv_may_name_the_file(load: Load, devlp: Callable[..., dict[str, str]]) -> None:
    given = devlp()

    settings = load(dotenv=f"KIS_DEVLP_FILE={given['KIS_DEVLP_FILE']}\n")

    assert _keys(settings)[0] == "FAKE-PAPER-APP"


@pytest.mark.req("M-21")
@pytest.mark.parametrize("key", ["paper_app", "paper_sec", "my_paper_stock"])
@pytest.mark.parametrize("left", ["", '""', "[]", "{a: b}"])
def test_a_missing_key_of_the_mode_is_refused_by_name(
    load: Load, devlp: Callable[..., dict[str, str]], key: str, left: str
) -> None:
    lines = [f"{key}: {left}" if row.startswith(f"{key}:") else row for row in FILE.splitlines()]

    with pytest.raises(SettingsError, match=key) as refused:
        load(environ=devlp("\n".join(lines)))

    assert "FAKE" not in refused.value.message_ko


@pytest.mark.req("M-21")
@pytest.mark.parametrize(
    "text", ["", "- a\n- b\n", "my_app: [\n", "my_app: a\nmy_app: b\n", "a: &x 1\nb: *x\n"]
)
def test_a_file_that_is_none_is_refused_by_its_name(
    load: Load, devlp: Callable[..., dict[str, str]], text: str
) -> None:
    with pytest.raises(SettingsError, match=r"kis_devlp\.yaml"):
        load(environ=devlp(text))


@pytest.mark.req("M-21")
def test_a_file_that_is_not_there_is_refused_by_its_name(load: Load, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.yaml"):
        load(environ={"KIS_DEVLP_FILE": str(tmp_path / "nowhere.yaml")})
