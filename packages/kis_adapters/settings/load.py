"""From files, environment and command line to one Settings object.

Precedence: defaults in code < defaults of the mode < YAML < `.env` < environment < command line.
Nothing is read that was not passed in, and a start with anything wrong in it is refused with
every finding at once.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from kis_adapters.settings import variables
from kis_adapters.settings.by_mode import DEFAULTS, REAL_BOUNDS
from kis_adapters.settings.database import database_url
from kis_adapters.settings.devlp_file import devlp_layer
from kis_adapters.settings.dotenv_file import read_dotenv
from kis_adapters.settings.endpoint import endpoint_problems
from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.korean import sentence
from kis_adapters.settings.layer import Given, Layer, RawValue, nearest
from kis_adapters.settings.sections import Section
from kis_adapters.settings.settings import Settings, sections_of
from kis_adapters.settings.universe import USED_BY_FIXED, StockOverride
from kis_adapters.settings.yaml_layers import trade_layer, universe_layer
from kis_core.market.symbol import parse_symbol
from kis_core.orders.identity import TradingMode

_ARGV = "명령줄"
_SECRETS = ("credentials.", "telegram.", "database.", "db.", "api.hts_id")

Resolved = dict[str, Given]


def load_settings(
    *,
    argv_overrides: Mapping[str, str | Sequence[str] | None],
    environ: Mapping[str, str],
    dotenv: Path,
    config: Path | None,
    universe: Path,
) -> Settings:
    """Resolve all settings.

    `argv_overrides` maps dotted names to text, or to a list of texts for `universe.stocks`
    (which also makes the universe `fixed`); entries that are None were not given. `dotenv` need
    not exist, `universe` need not when stocks are given on the command line, `config` must when
    it is not None. Raises SettingsError.
    """
    argv = _argv_layer(argv_overrides)
    from_file = read_dotenv(dotenv)
    here = {name: value.strip() for name, value in environ.items() if value.strip()}
    mode, problems = variables.resolve_mode(environ=here, dotenv=from_file)
    problems += variables.forbidden(mode, {*here, *from_file})
    problems += variables.removed({**here, **from_file})
    problems += variables.twice_given_credentials({*here, *from_file}, mode)
    devlp = {**from_file, **here}.get(variables.DEVLP_FILE)
    problems += variables.unknown(from_file)
    layers = [
        Layer(
            label=f"기본값({mode})",
            values={name: Given(value=v, where=name) for name, v in DEFAULTS[mode].items()},
        ),
        *([trade_layer(config)] if config is not None else []),
        universe_layer(universe, may_be_absent="universe.stocks" in argv.values),
        *([devlp_layer(Path(devlp), mode)] if devlp else []),
        _variables_layer(".env", from_file, mode),
        _variables_layer("환경변수", here, mode),
        argv,
    ]
    problems += [problem for layer in layers for problem in layer.problems]
    resolution = _Resolution(mode, layers, warnings=variables.unknown(here))
    return resolution.settings(problems)


class _Resolution:
    """One run of resolving; collects what is wrong until the end."""

    def __init__(self, mode: TradingMode, layers: Sequence[Layer], *, warnings: list[str]) -> None:
        self._mode = mode
        self._values: Resolved = {}
        self._sources: dict[str, str] = {}
        self._ranks: dict[str, int] = {}
        for rank, layer in enumerate(layers):
            for name, given in layer.values.items():
                self._values[name] = given
                self._sources[name] = layer.label
                self._ranks[name] = rank
        self._problems: list[str] = []
        self._warnings = list(warnings)

    def settings(self, problems: list[str]) -> Settings:
        """The settings. Raises SettingsError with `problems` and all that is found here."""
        self._problems += problems
        self._problems += database_url(self._values, self._sources, ranks=self._ranks)
        has_credentials = self._has_credentials()
        sections = {
            name: self._section(name, model)
            for name, model in sections_of().items()
            if name != "credentials" or has_credentials
        }
        overrides = self._stock_overrides()
        if self._problems or any(section is None for section in sections.values()):
            raise SettingsError(self._problems)
        settings = Settings(
            mode=self._mode,
            credentials=sections.pop("credentials", None),
            stock_overrides=overrides,
            sources=self._sources,
            warnings=tuple(self._warnings + self._unused()),
            **sections,
        )
        self._problems += _problems_of_whole(settings)
        if self._problems:
            raise SettingsError(self._problems)
        return settings

    def _section(self, name: str, model: type[Section]) -> Section | None:
        prefix = f"{name}."
        raw = {
            path.removeprefix(prefix): given.value
            for path, given in self._values.items()
            if path.startswith(prefix)
        }
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            self._refuse(name, error)
            return None

    def _refuse(self, section: str, error: ValidationError) -> None:
        for finding in error.errors(include_url=False):
            field = str(finding["loc"][0]) if finding["loc"] else ""
            name = f"{section}.{field}" if field else section
            is_secret = name.startswith(_SECRETS)
            told = sentence(finding, is_secret=is_secret).removesuffix(".")
            self._problems.append(f"{self._where(name)}: {told}.")

    def _where(self, name: str) -> str:
        given = self._values.get(name)
        if given is None:
            return variables.variable_of(name, self._mode)
        return f"{given.where} ({name})" if given.where != name else name

    def _has_credentials(self) -> bool:
        """Whether any were given; some but not all of them is an error that names the rest."""
        needed = ("credentials.app_key", "credentials.app_secret", "credentials.account_no")
        given = [name for name in needed if name in self._values]
        missing = [variables.variable_of(n, self._mode) for n in needed if n not in self._values]
        if len(given) == len(needed):
            self._check_account()
            return True
        if given or self._mode is TradingMode.REAL:
            self._problems.append(f"{self._mode} 모드의 인증 정보가 없습니다: {', '.join(missing)}")
        elif self._sources.get("api.base_url", "").startswith("기본값"):
            # Without keys there is nobody to talk to at the official host.
            del self._values["api.base_url"], self._sources["api.base_url"]
        return False

    def _check_account(self) -> None:
        account = self._values["credentials.account_no"].value
        if not (
            isinstance(account, str)
            and len(account) == 8
            and account.isascii()
            and account.isdigit()
        ):
            name = variables.variable_of("credentials.account_no", self._mode)
            self._problems.append(f"{name}는 8자리 숫자여야 합니다 (상품코드 2자리는 따로).")

    def _stock_overrides(self) -> dict[str, StockOverride]:
        given = self._values.pop("stock_overrides", None)
        if given is None or given.value is None:
            return {}
        if not isinstance(given.value, dict):
            self._problems.append(f"{given.where}: '종목코드: {{이름: 값}}' 꼴이어야 합니다.")
            return {}
        letters = self._values.get("universe.allow_alphanumeric_codes")
        allow = letters is not None and str(letters.value).casefold() in ("true", "yes", "on", "1")
        return {
            code: override
            for code, raw in given.value.items()
            if (override := self._override(code, raw, given.where, allow=allow)) is not None
        }

    def _override(
        self, code: str, raw: RawValue, where: str, *, allow: bool
    ) -> StockOverride | None:
        try:
            parse_symbol(code, allow_alphanumeric=allow)
            return StockOverride.model_validate(raw)
        except ValidationError as error:
            for finding in error.errors(include_url=False):
                name = ".".join([code, *(str(part) for part in finding["loc"])])
                if finding["type"] == "extra_forbidden":
                    hint = nearest(str(finding["loc"][-1]), StockOverride.model_fields)
                    why = f"모르는 키입니다.{hint}"
                else:
                    why = f"{sentence(finding, is_secret=False)}."
                self._problems.append(f"{where} (stock_overrides.{name}): {why}")
        except ValueError as error:
            self._problems.append(f"{where}: {error}")
        return None

    def _unused(self) -> list[str]:
        told = []
        idle = sorted(
            name
            for name in self._values
            if name.startswith("universe.") and name.removeprefix("universe.") not in USED_BY_FIXED
        )
        method = self._values.get("universe.selection_method")
        if idle and method is not None and method.value == "fixed":
            told.append(f"selection_method: fixed에서는 쓰이지 않는 설정입니다: {', '.join(idle)}")
        return told


def _problems_of_whole(settings: Settings) -> list[str]:
    """What only the sections together can get wrong."""
    problems = endpoint_problems(settings) + _half_a_telegram(settings)
    if settings.mode is TradingMode.REAL:
        problems += _beyond_real_bounds(settings)
    risk, strategy = settings.risk, settings.strategy
    if risk.drawdown_warn_pct > risk.drawdown_stop_pct:
        problems.append("risk.drawdown_warn_pct는 risk.drawdown_stop_pct보다 클 수 없습니다.")
    if strategy.adx_exit_threshold > strategy.adx_threshold:
        problems.append("strategy.adx_exit_threshold는 adx_threshold보다 클 수 없습니다.")
    for code, own in settings.stock_overrides.items():
        if own.adx_threshold is not None and own.adx_threshold < strategy.adx_exit_threshold:
            problems.append(
                f"stock_overrides.{code}.adx_threshold는"
                " strategy.adx_exit_threshold보다 작을 수 없습니다."
            )
    if strategy.adx_window < 2 * strategy.adx_period:
        problems.append("strategy.adx_window는 adx_period의 두 배 이상이어야 합니다.")
    universe = settings.universe
    if settings.sources.get("universe.stocks") == _ARGV:
        asked = len(dict.fromkeys(universe.stocks))
        if asked > universe.max_stocks:
            problems.append(f"--stock이 {asked}종목인데 max_stocks는 {universe.max_stocks}입니다.")
    return problems


def _half_a_telegram(settings: Settings) -> list[str]:
    """Whoever gave one of the two believes that he will be told."""
    telegram = settings.telegram
    if not telegram.enabled or (telegram.bot_token is None) == (telegram.chat_id is None):
        return []
    missing = "TELEGRAM_CHAT_ID" if telegram.chat_id is None else "TELEGRAM_BOT_TOKEN"
    return [
        f"{missing}가 없어 텔레그램을 쓸 수 없습니다. 채우거나 TELEGRAM_ENABLED=false로 두세요."
    ]


def _beyond_real_bounds(settings: Settings) -> list[str]:
    problems = []
    for bound in REAL_BOUNDS:
        section, field = bound.name.split(".")
        problem = bound.problem(getattr(getattr(settings, section), field))
        problems += [problem] if problem else []
        for code, own in settings.stock_overrides.items():
            value = getattr(own, field, None) if section == "strategy" else None
            problem = bound.problem(value) if value is not None else None
            problems += [f"stock_overrides.{code}: {problem}"] if problem else []
    return problems


def _argv_layer(overrides: Mapping[str, str | Sequence[str] | None]) -> Layer:
    values: Resolved = {}
    for name, value in overrides.items():
        if value is None or (not isinstance(value, str) and not value):
            continue
        text: RawValue = value if isinstance(value, str) else list(value)
        values[name] = Given(value=text, where=_ARGV)
    if "universe.stocks" in values:
        values["universe.selection_method"] = Given(value="fixed", where=_ARGV)
    known = {f"{s}.{field}" for s, model in sections_of().items() for field in model.model_fields}
    strange = sorted(set(values) - known)
    if strange:
        raise ValueError(f"no such settings: {strange}")  # the program's own slip, not a person's
    return Layer(label=_ARGV, values=values)


def _variables_layer(label: str, given: Mapping[str, str], mode: TradingMode) -> Layer:
    settings = variables.setting_of(mode)
    return Layer(
        label=label,
        values={
            settings[name]: Given(value=value, where=f"{label} {name}")
            for name, value in given.items()
            if name in settings
        },
    )
