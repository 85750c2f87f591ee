"""A TCP proxy that loses answers, or all that is said in both directions."""
from __future__ import annotations

import random
import socket
import threading


class CuttingProxy:
    """Stands before "host:port". While `cutting`, some answers of the server end their
    connection and are never forwarded: the work is done, and nobody hears of it. While
    `swallowing`, connections stay open and nothing goes through either way."""

    def __init__(self, address: str, seed: int, share: float = 0.1):
        host, port = address.rsplit(":", 1)
        self.upstream = (host, int(port))
        self.chance = random.Random(seed)
        self.share = share
        self.cutting = False
        self.swallowing = False
        self.cuts = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "CuttingProxy":
        return self

    def __exit__(self, *_) -> None:
        self.listener.close()
        for side in list(self.open):
            self._close(side)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.upstream, 10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self.open |= {client, server}
            for pump in (self._forward, self._answer):
                threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _close(self, *sides: socket.socket) -> None:
        for side in sides:
            self.open.discard(side)
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            side.close()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while data := client.recv(1 << 16):
                if not self.swallowing:
                    server.sendall(data)
        except OSError:
            pass
        self._close(client, server)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while data := server.recv(1 << 16):
                if self.cutting and self.chance.random() < self.share:
                    self.cuts += 1
                    break
                if not self.swallowing:
                    client.sendall(data)
        except OSError:
            pass
        self._close(client, server)
