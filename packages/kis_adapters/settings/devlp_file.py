"""`kis_devlp.yaml`, the file that users of the broker's own samples already have (M-21).

It holds a real and a paper key pair side by side. Only the pair of the mode is ever taken out of
it; the other one is compared, for a real pair pasted into the paper fields, and forgotten.
"""

from pathlib import Path

from kis_adapters.settings.layer import Given, Layer, RawValue
from kis_adapters.settings.yaml_file import read_yaml
from kis_core.orders.identity import TradingMode

_LABEL = "KIS_DEVLP_FILE"
_KEYS = {
    TradingMode.PAPER: {
        "paper_app": "credentials.app_key",
        "paper_sec": "credentials.app_secret",
        "my_paper_stock": "credentials.account_no",
    },
    TradingMode.REAL: {
        "my_app": "credentials.app_key",
        "my_sec": "credentials.app_secret",
        "my_acct_stock": "credentials.account_no",
    },
}
_OF_ANY_MODE = {"my_prod": "credentials.product_code", "my_htsid": "api.hts_id"}
_PAIRS = (("paper_app", "my_app"), ("paper_sec", "my_sec"))


def devlp_layer(path: Path, mode: TradingMode) -> Layer:
    """The credentials of `mode` in the file at `path`; its other keys are the samples' own.

    Raises SettingsError when the file cannot be read. Messages name keys, never values.
    """
    tree, lines = read_yaml(path.expanduser())
    values: dict[str, Given] = {}
    problems: list[str] = []
    for key, setting in {**_KEYS[mode], **_OF_ANY_MODE}.items():
        text = _text(tree.get(key))
        if text:
            values[setting] = Given(value=text, where=f"{path}:{lines[key]} {key}")
        elif key in _KEYS[mode]:
            problems.append(f"{path}: {mode} 모드에 필요한 {key} 값이 없습니다.")
    for paper, real in _PAIRS:
        if _text(tree.get(paper)) and _text(tree.get(paper)) == _text(tree.get(real)):
            problems.append(
                f"{path}: {paper}와 {real}이 같습니다. 모의투자와 실계좌의 키는 서로 달라야 합니다."
            )
    return Layer(label=_LABEL, values=values, problems=tuple(problems))


def _text(value: RawValue) -> str:
    return value.strip() if isinstance(value, str) else ""
