"""The least that turns a tick into an order: aiohttp reads the stream and sends the request,
sqlite3 commits the intent between them (WAL, synchronous=FULL). It checks and remembers nothing.

    python -m benchmarks.tick_anchor --base-url http://127.0.0.1:1 --ws-url ws://127.0.0.1:2 \\
        --database FILE --stop 68000 --symbol 800010
"""

import argparse
import asyncio
import json
import sqlite3
from collections.abc import Sequence

import aiohttp

_ORDER = "/uapi/domestic-stock/v1/trading/order-cash"
_HEADERS = {
    "authorization": "Bearer CANNED-NOT-A-TOKEN",
    "appkey": "BENCHMARK-NOT-A-KEY",
    "appsecret": "BENCHMARK-NOT-A-SECRET",
    "tr_id": "TTTC0011U",
    "custtype": "P",
}


def main() -> None:
    """Listen until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--ws-url", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--stop", type=int, required=True)
    parser.add_argument("--symbol", action="append", required=True)
    given = parser.parse_args()
    database = sqlite3.connect(given.database)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE intents (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
    database.commit()
    asyncio.run(_listen(given.base_url, given.ws_url, database, given.symbol, given.stop))


async def _listen(
    base_url: str, ws_url: str, database: sqlite3.Connection, symbols: Sequence[str], stop: int
) -> None:
    async with (
        aiohttp.ClientSession(base_url, headers=_HEADERS) as session,
        session.ws_connect(ws_url) as stream,
    ):
        async with session.get("/canned/ping") as answer:  # the connection stands, as a client's
            await answer.read()
        for symbol in symbols:
            wanted = {"tr_id": "H0STCNT0", "tr_key": symbol}
            await stream.send_str(json.dumps({"body": {"input": wanted}}))
        async for message in stream:
            if message.data.startswith("0|"):
                await _judge(message.data, session, database, stop)


async def _judge(
    frame: str, session: aiohttp.ClientSession, database: sqlite3.Connection, stop: int
) -> None:
    fields = frame.split("|", 3)[3].split("^")
    symbol, price = fields[0], int(fields[2])
    if price > stop:
        return
    order = {
        "CANO": "00000000",
        "ACNT_PRDT_CD": "01",
        "PDNO": symbol,
        "ORD_DVSN": "01",
        "ORD_QTY": "25",
        "ORD_UNPR": "0",
        "EXCG_ID_DVSN_CD": "KRX",
    }
    body = json.dumps(order)
    database.execute("INSERT INTO intents (body) VALUES (?)", (body,))
    database.commit()
    async with session.post(_ORDER, data=body) as answer:
        await answer.read()


if __name__ == "__main__":
    main()
