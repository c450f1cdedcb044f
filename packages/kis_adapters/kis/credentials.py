"""What identifies one KIS account; nothing of it is ever shown."""

import hashlib
import re
from dataclasses import dataclass

from kis_core.orders.identity import masked_account

_VISIBLE = re.compile(r"[!-~]+")  # an HTTP header value: printable ASCII without blanks
_FINGERPRINT_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KisCredentials:
    """One app key pair and the account it belongs to.

    Raises ValueError (Korean, without the values) for an empty or malformed part.
    """

    app_key: str
    app_secret: str
    account_no: str
    product_code: str = "01"

    def __post_init__(self) -> None:
        if not _VISIBLE.fullmatch(self.app_key):
            raise ValueError("KIS 앱키가 비어 있거나 쓸 수 없는 문자가 있습니다")
        if not _VISIBLE.fullmatch(self.app_secret):
            raise ValueError("KIS 앱시크릿이 비어 있거나 쓸 수 없는 문자가 있습니다")
        if not re.fullmatch(r"[0-9]{8}", self.account_no):
            raise ValueError("KIS 계좌번호는 숫자 8자리여야 합니다")
        if not re.fullmatch(r"[0-9]{2}", self.product_code):
            raise ValueError("KIS 계좌상품코드는 숫자 2자리여야 합니다")

    def __repr__(self) -> str:
        return f"KisCredentials(account={masked_account(self.account_no)})"

    def fingerprint(self, host: str) -> str:
        """A short hash of app key and host: names a token cache without telling the key."""
        text = f"{self.app_key}|{host}"
        return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_LENGTH]
