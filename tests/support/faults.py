"""What goes wrong in real life, made on purpose: a network that breaks, a full disk; and receivers of what is told."""

from __future__ import annotations

import contextlib
import email
import json
import socket
import socketserver
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STOPS_WITHIN_S = 0.02
"""How often a server of a test looks whether it is to stop; by default it takes half a second."""


class Gate:
    """Passes connections on to ``port`` of this machine, until it is closed: then those there are break off."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.is_open = True
        self.open_sockets: set[socket.socket] = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if not self.is_open:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.target))
            self.open_sockets |= {client, server}
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            self._break(end)

    def _break(self, end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
        self.open_sockets.discard(end)

    def close(self) -> None:
        """The network is gone."""
        self.is_open = False
        for end in list(self.open_sockets):
            self._break(end)

    def open(self) -> None:
        """The network is back."""
        self.is_open = True


@contextlib.contextmanager
def webhook() -> Iterator[tuple[str, list[str]]]:
    """A receiver of chat messages: its address, and the texts that came in. Below ``/refused`` it takes none."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.path.startswith("/refused"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append(str(json.loads(body)["text"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(STOPS_WITHIN_S,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hooks/a-secret-path", came
    finally:
        server.shutdown()


@contextlib.contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """A receiver of mail that speaks as much SMTP as one message needs: its port, and the texts that came in."""
    came: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 ready")
            while line := self.rfile.readline().decode().strip():
                word = line.split()[0].upper()
                if word == "DATA":
                    self._say("354 go on")
                    message = email.message_from_string("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
                    parts = [part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()]
                    came.append("\n".join(part.decode() for part in parts if isinstance(part, bytes)))
                self._say("221 bye" if word == "QUIT" else "250 ok")
                if word == "QUIT":
                    return

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(STOPS_WITHIN_S,), daemon=True).start()
    try:
        yield int(server.server_address[1]), came
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def statsd() -> Iterator[tuple[int, list[str]]]:
    """A receiver of metrics: its port, and the lines that came in."""
    came: list[str] = []
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))

    def receive() -> None:
        with contextlib.suppress(OSError):
            while data := receiver.recv(65536):
                came.extend(data.decode().splitlines())

    threading.Thread(target=receive, daemon=True).start()
    try:
        yield int(receiver.getsockname()[1]), came
    finally:
        receiver.close()


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A disk of its own of this size; needs the right to mount. Yields its folder."""
    folder = Path(tempfile.mkdtemp(prefix="disk-", dir="/tmp"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


@contextlib.contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Meanwhile there is not a byte left on the disk."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 65536)
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x")
    try:
        yield
    finally:
        filler.unlink()
