"""The last filter before anything is written: known secrets are replaced wherever they stand."""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

_MASK = "********"
_SHORTEST = 4  # shorter texts are in every line by chance


class Redactor:
    """Replaces registered secrets in any text, also where they are quoted for JSON or a URL."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Register one more, such as a token that was just issued. Any thread may."""
        if len(secret) < _SHORTEST:
            return
        quoted = json.dumps(secret, ensure_ascii=False)[1:-1]
        forms = self._forms | {secret, quoted, json.dumps(secret)[1:-1], quote(secret, safe="")}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(form) for form in longest_first))
        self._forms = forms

    def redact(self, text: str) -> str:
        """`text` without the secrets."""
        return self._pattern.sub(_MASK, text) if self._pattern is not None else text
