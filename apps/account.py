"""Whose rows in the database are meant."""

from kis_adapters.settings.settings import Settings
from kis_sandbox.config import CREDENTIALS, Personality


def account_of(settings: Settings) -> str:
    """The account's number and product code, as they stand in the database's keys."""
    if settings.credentials is None:
        simulated = CREDENTIALS[Personality.PAPER]
        return simulated.account_no + simulated.product_code
    given = settings.credentials
    return given.account_no.get_secret_value() + given.product_code
