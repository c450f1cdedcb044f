"""One WebSocket connection, read by the thread that owns it.

The protocol is the `websockets` library's own core without its input and output: one thread and
one system call may bring many frames, where its ready-made clients take a thread or a loop and a
wake-up for each. Protocol pings are answered by it; none are sent, the broker's PINGPONG is the
sign of life (kis-wire 6.3).
"""

import socket
import ssl
from types import TracebackType

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

_CHUNK = 65_536
_FRAME_BYTES_MAX = 2**20
_NORMAL = 1_000


class ConnectionLost(Exception):
    """The connection was not made, or is no more; `why` is a word for the log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class TextSocket:
    """A connection for text frames. Raises ConnectionLost when it cannot be made.

    `is_drained`: whether the last `receive` brought all that there was.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._partial = bytearray()
        self.is_drained = True
        try:
            uri = parse_uri(url)
            self._protocol = ClientProtocol(uri, max_size=_FRAME_BYTES_MAX)
            self._socket = socket.create_connection((uri.host, uri.port), timeout=timeout_s)
        except (OSError, InvalidURI) as error:
            raise ConnectionLost(f"connect_{type(error).__name__}") from error
        try:
            if uri.secure:
                context = ssl.create_default_context()
                self._socket = context.wrap_socket(self._socket, server_hostname=uri.host)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._shake_hands()
        except (OSError, InvalidHandshake) as error:
            self._socket.close()
            raise ConnectionLost(f"handshake_{type(error).__name__}") from error
        except ConnectionLost:
            self._socket.close()
            raise

    def __enter__(self) -> "TextSocket":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def receive(self, timeout_s: float) -> list[str]:
        """The texts of the frames that came; none when nothing came in time.

        A frame that is no text is given as what it would be as one. Raises ConnectionLost.
        """
        texts = self._texts()  # what came along with the handshake
        if texts:
            return texts
        try:
            self._socket.settimeout(timeout_s)
            data = self._socket.recv(_CHUNK)
        except TimeoutError:
            self.is_drained = True
            return []
        except OSError as error:
            raise ConnectionLost(f"receive_{type(error).__name__}") from error
        self.is_drained = len(data) < _CHUNK
        self._take(data)
        texts = self._texts()
        if not texts and self._protocol.state is not State.OPEN:
            raise ConnectionLost(self._close_reason())
        return texts

    def send(self, text: str) -> None:
        """Send one text frame. Raises ConnectionLost."""
        try:
            self._protocol.send_text(text.encode())
            self._flush()
        except WebSocketException as error:
            raise ConnectionLost(self._close_reason()) from error

    def close(self) -> None:
        """Say good-bye, without waiting for an answer, and let go. Harmless when it is gone."""
        try:
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(_NORMAL)
                self._flush()
        except ConnectionLost:
            pass  # gone already: nobody is there to say it to
        finally:
            self._socket.close()

    def _shake_hands(self) -> None:
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        while self._protocol.state is State.CONNECTING:
            data = self._socket.recv(_CHUNK)
            self._take(data)
            if self._protocol.handshake_exc is not None:
                raise ConnectionLost("handshake_refused") from self._protocol.handshake_exc
            if not data:
                raise ConnectionLost("handshake_closed")

    def _take(self, data: bytes) -> None:
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()

    def _flush(self) -> None:
        """Send what the protocol has to say."""
        try:
            self._socket.settimeout(self._timeout_s)
            for part in self._protocol.data_to_send():
                if part:
                    self._socket.sendall(part)
        except OSError as error:
            if self._protocol.state is State.OPEN:
                raise ConnectionLost(f"send_{type(error).__name__}") from error
            # Answering a close that the other side did not wait for.

    def _texts(self) -> list[str]:
        texts = []
        for event in self._protocol.events_received():
            if isinstance(event, Response) or not isinstance(event, Frame):
                continue
            if event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._partial += event.data
                if event.fin:
                    texts.append(self._partial.decode(errors="replace"))
                    self._partial.clear()
        return texts

    def _close_reason(self) -> str:
        received = self._protocol.close_rcvd
        return f"closed_{received.code}" if received is not None else "dropped"
