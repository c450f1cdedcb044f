"""L1: a frame of the realtime stream read into typed prints, against the least that reads one.

    python -m benchmarks.bench_frames [--rounds 60]

The anchor splits the text and converts ten fields into a tuple: symbol, time, price, open, high,
low, ask, bid, quantity, volume; it checks nothing. The other one is python-kis reading the same
frame as its own client does. All read the same frames, built by the simulator's own writer, in
turns of `_FRAMES` each, so that a busy machine is busy for all. A ratio is p50 to p50, and p99 to
p99, over the rounds of one run.
"""

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from benchmarks.row import Row, hand_over
from kis_adapters.kis_ws.frame import read_frame
from kis_core.market.session import KST
from kis_sandbox.config import SandboxConfig
from kis_sandbox.realtime import TRADE
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.wire.ws_trade import NARROW, WIDE, trade_record

_FRAMES = 2_000
_START = datetime(2026, 11, 24, 9, 30, tzinfo=KST)
Reader = Callable[[str], object]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help=f"turns of {_FRAMES} frames")
    arguments = parser.parse_args()
    rows, notes = [], []
    print("L1 against ten fields in a tuple ...", flush=True)
    ours, least = _compared(_frames(WIDE), [read_frame, _ten_fields], arguments.rounds)
    rows.append(
        Row(
            name="L1",
            what="one frame to a typed print",
            anchor=f"split, ten fields in a tuple: {_ns(least)} ns",
            measured=f"{_ns(ours)} ns",
            p50=statistics.median(ours) / statistics.median(least),
            p99=_p99(ours) / _p99(least),
            aim=(1.1,),
            least=(1.3,),
        )
    )
    if importlib.util.find_spec("pykis") is None:
        notes.append("python-kis is not installed here: its part of L1 is missing.")
    else:
        print("L1 against python-kis ...", flush=True)
        rows.append(_against_python_kis(max(3, arguments.rounds // 20)))
    hand_over(rows, notes)


def _against_python_kis(rounds: int) -> Row:
    """Ours against theirs; the row's figure is ours as a part of theirs, so less is better."""
    ours, theirs = _compared(_frames(NARROW), [read_frame, _python_kis()], rounds)
    part = statistics.median(ours) / statistics.median(theirs)
    return Row(
        name="L1 python-kis",
        what=f"the same, as a part of python-kis's time (1/{1 / part:.0f})",
        anchor=f"python-kis: {_ns(theirs)} ns",
        measured=f"{_ns(ours)} ns",
        p50=part,
        aim=(1 / 14,),
        least=(1 / 10,),
    )


def _frames(fields: int) -> list[str]:
    """Frames of one record each, of a whole day's prints of one symbol."""
    sandbox = Sandbox(SandboxConfig(start=_START))
    day = sandbox.exchange.tape.day("005930", _START.date())
    assert day is not None
    count = len(day.path)
    return [
        f"0|{TRADE}|001|{trade_record(day, index % count, fields=fields)}"
        for index in range(_FRAMES)
    ]


def _compared(frames: Sequence[str], readers: Sequence[Reader], rounds: int) -> list[list[float]]:
    """Seconds of each reader's turns over all frames, the turns alternating."""
    taken: list[list[float]] = [[] for _ in readers]
    for number in range(rounds + 1):
        for reader, seconds in zip(readers, taken, strict=True):
            started = time.perf_counter()
            for frame in frames:
                reader(frame)
            if number:  # the first turn warms up
                seconds.append(time.perf_counter() - started)
    return taken


def _ten_fields(frame: str) -> object:
    fields = frame.split("|", 3)[3].split("^")
    return (
        fields[0],
        int(fields[1]),
        int(fields[2]),
        int(fields[7]),
        int(fields[8]),
        int(fields[9]),
        int(fields[10]),
        int(fields[11]),
        int(fields[12]),
        int(fields[13]),
    )


def _python_kis() -> Reader:
    """What its client does with a data frame, without the event it then sends around."""
    from pykis.api.websocket import WEBSOCKET_RESPONSES_MAP
    from pykis.responses.websocket import KisWebsocketResponse

    def read(frame: str) -> object:
        _, tr_id, count, body = frame.split("|", 3)
        response_type = WEBSOCKET_RESPONSES_MAP[tr_id]
        return list(KisWebsocketResponse.parse(body, count=int(count), response_type=response_type))

    return read


def _p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(0.99 * (len(seconds) - 1))]


def _ns(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) / _FRAMES * 1e9:,.0f}"


if __name__ == "__main__":
    main()
