"""The virtual account while nothing trades: its state, and a new beginning."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from apps.exit_code import ExitCode
from apps.kr_cbt.container import ACCOUNT_FILE
from apps.kr_cbt.settings import CbtSettings
from apps.kr_trade.endings import say_ending
from apps.kr_trade.status import Status, as_text, read_status
from apps.kr_trade.status import as_json as status_as_json
from apps.terminal import say
from kis_adapters.settings.settings import Settings
from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.store import SqlStore
from kis_adapters.virtual.account_file import AccountFile, AccountFileDamaged, NotKept
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.store import StoreMisfit, StoreUnavailable


def print_status(settings: Settings, cbt: CbtSettings, *, as_json: bool) -> int:
    """Print what is stored of the virtual account, and its cash."""
    try:
        with opened_account(settings, cbt) as file:
            account = file.account()
            status = _status_of(settings, file)
            if as_json:
                print(status_as_json(status))
                return ExitCode.OK
            print(as_text(status))
            print(f"가상 예수금: {account.cash:,}원 (시작 자금 {file.initial_cash:,}원)")
            return ExitCode.OK
    except AccountFileDamaged as error:
        return say(str(error), ExitCode.REFUSED)
    except (StoreMisfit, StoreUnavailable, OSError) as error:
        return say_ending(error)


def reset(settings: Settings, cbt: CbtSettings, *, is_sure: bool) -> int:
    """Begin a new, empty account; asks first unless `is_sure`. The old one stays as history."""
    with opened_account(settings, cbt) as file:
        held, cash = len(file.account().holdings), cbt.rules.initial_cash
        print(f"가상 계좌 {file.account_name}: 보유 {held}종목, 예수금 {file.account().cash:,}원")
        if not is_sure and not _confirmed():
            return say("그대로 두었습니다.", ExitCode.REFUSED)
        try:
            file.begin_anew(cash)
        except NotKept as error:
            return say(f"새 계좌를 만들지 못했습니다: {error}", ExitCode.FAILURE)
        print(f"새 가상 계좌 {file.account_name}을(를) {cash:,}원으로 시작합니다.")
        return ExitCode.OK


@contextmanager
def opened_account(settings: Settings, cbt: CbtSettings) -> Iterator[AccountFile]:
    """The account's file. Raises AccountFileDamaged."""
    path = settings.paths.data_dir / ACCOUNT_FILE
    file = AccountFile(path, initial_cash=cbt.rules.initial_cash)
    try:
        yield file
    finally:
        file.close()


def namespace_of(file: AccountFile) -> Namespace:
    """Where the account's rows stand in the trading database."""
    return Namespace(mode=TradingMode.VIRTUAL, account=file.account_name)


def _status_of(settings: Settings, file: AccountFile) -> Status:
    database = open_database(settings.database.url.get_secret_value())
    try:
        initialize_schema(database)
        store = SqlStore(database, namespace_of(file))
        return read_status(store, mode=TradingMode.VIRTUAL, account=file.account_name)
    finally:
        database.dispose()


def _confirmed() -> bool:
    print("이 계좌를 닫고 새로 시작할까요? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().casefold() in {"y", "yes", "예"}
