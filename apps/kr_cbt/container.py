"""The composition root of kr_cbt: that of kr_trade with another broker behind the port.

Nothing here can send an order: KIS is asked for quotes, bars and names alone.
"""

from collections.abc import Iterator
from pathlib import Path

from apps.injection import providers
from apps.kr_cbt.settings import CbtSettings
from apps.kr_trade.container import TradeContainer
from apps.recordings import settings_in
from kis_adapters.settings.settings import Settings
from kis_adapters.virtual.account_file import AccountFile
from kis_adapters.virtual.broker import VirtualBroker
from kis_core.market.cost import Commission
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.broker import Broker
from kis_core.ports.calendar import Calendar
from kis_core.ports.clock import Clock
from kis_core.ports.market_data import MarketData
from kis_core.ports.notifier import Notifier
from kis_core.session.settings import SessionSettings

ACCOUNT_FILE = "virtual_account.db"


def account_file(settings: Settings, cbt: CbtSettings) -> Iterator[AccountFile]:
    """The virtual account's own books."""
    path = settings.paths.data_dir / ACCOUNT_FILE
    file = AccountFile(path, initial_cash=cbt.rules.initial_cash)
    yield file
    file.close()


def _namespace(file: AccountFile) -> Namespace:
    return Namespace(mode=TradingMode.VIRTUAL, account=file.account_name)


def _session_settings(settings: Settings, file: AccountFile) -> SessionSettings:
    return settings_in(TradingMode.VIRTUAL, settings, account=file.account_name)


def _broker(
    file: AccountFile,
    market_data: MarketData,
    calendar: Calendar,
    clock: Clock,
    settings: Settings,
    cbt: CbtSettings,
) -> Broker:
    return VirtualBroker(
        file,
        market_data=market_data,
        calendar=calendar,
        clock=clock,
        commission=Commission(ppm=settings.costs.commission_ppm),
        rules=cbt.rules,
    )


def _recordings(cbt: CbtSettings) -> Path | None:
    return cbt.recordings


class CbtContainer(TradeContainer):
    """Everything that kr_cbt is made of; `cbt` is given besides what kr_trade is given. Use
    `cbt_container`, which puts these in the place of kr_trade's."""

    cbt = providers.Dependency(instance_of=CbtSettings)
    account_file = providers.Resource(account_file, TradeContainer.settings, cbt)
    virtual_namespace = providers.Singleton(_namespace, account_file)
    virtual_settings = providers.Singleton(_session_settings, TradeContainer.settings, account_file)
    virtual_broker: providers.Provider[Broker] = providers.Singleton(
        _broker,
        account_file,
        TradeContainer.market_data,
        TradeContainer.calendar,
        TradeContainer.clock,
        TradeContainer.settings,
        cbt,
    )
    virtual_recordings = providers.Callable(_recordings, cbt)


def cbt_container(
    *, settings: Settings, cbt: CbtSettings, config_dir: Path, notifier: Notifier
) -> CbtContainer:
    """A container whose broker is the virtual account."""
    container = CbtContainer(settings=settings, cbt=cbt, config_dir=config_dir, notifier=notifier)
    container.namespace.override(container.virtual_namespace)
    container.session_settings.override(container.virtual_settings)
    container.broker.override(container.virtual_broker)
    container.recordings.override(container.virtual_recordings)
    container.app.override("kr_cbt")
    return container
