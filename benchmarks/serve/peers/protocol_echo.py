"""Below the floor: an asyncio protocol that finds the end of a request and answers a constant."""

# mypy: ignore-errors
# ruff: noqa: D101, D102 - a script that stands for one of somebody else's

import asyncio
import os
import signal
import socket

import uvloop

BODY = b'{"predictions":[{"id":"00000000-0000-0000-0000-000000000000","score":0.5}]}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.waiting = transport, b""

    def data_received(self, data):
        data = self.waiting + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:end].lower()
            start = head.find(b"content-length:")
            length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            if len(data) < end + 4 + length:
                break
            data = data[end + 4 + length :]
            self.transport.write(ANSWER)
        self.waiting = data


async def serve():
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(("127.0.0.1", int(os.environ["BENCH_PORT"])))
    server = await asyncio.get_running_loop().create_server(Echo, sock=listening, backlog=2048)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    for _ in range(int(os.environ["BENCH_WORKERS"]) - 1):
        if os.fork() == 0:
            break
    uvloop.run(serve())
