"""Telephones, and the server they speak to."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.telegram_server import CHAT, TOKEN, TelegramServer, serving
from tests.telephone import FAST, NewTelephone, Paper, Telephone


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    """The Bot API on loopback."""
    with serving() as running:
        yield running


@pytest.fixture
def new_telephone(server: TelegramServer) -> Iterator[NewTelephone]:
    """Telephones that send from now on; each is another process with the same file."""
    paper, made = Paper(), list[Telephone]()

    def make(
        *,
        token: str = TOKEN,
        chat_id: int = CHAT,
        loudness: dict[str, str] | None = None,
        most: int = 200,
        **pace: float,
    ) -> Telephone:
        telephone = Telephone(
            server=server,
            paper=paper,
            pace=replace(FAST, **pace),  # type: ignore[arg-type]  # names are checked by replace
            loudness=loudness or {},
            most=most,
            token=token,
            chat_id=chat_id,
        )
        made.append(telephone)
        telephone.line.start()
        return telephone

    yield make
    server.end()
    for telephone in made:
        telephone.line.close(within_s=0.0)


@pytest.fixture
def telephone(new_telephone: NewTelephone) -> Telephone:
    """One that sends."""
    return new_telephone()


@pytest.fixture
def listening(telephone: Telephone) -> Telephone:
    """One that sends and listens, and has begun to."""
    telephone.listen()
    telephone.server.wait_for(lambda: telephone.server.called("getUpdates"))
    return telephone
