"""HTTP/1.1 for python-runner.py: one request and its answer as the channels of an ASGI application."""

import asyncio
import email.utils
import http
import re

MAX_HEAD_BYTES = 64 * 1024
READ_BYTES = 64 * 1024
NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
UNSAFE = re.compile(rb"[\r\n\0]")
NO_BODY = {204, 304}


class BadRequest(Exception):
    """A request that cannot be understood."""

    def answer(self):
        """Status 400 with the reason, after which the connection is closed."""
        text = str(self).encode()
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n"
        return head + b"content-length: %d\r\n\r\n%b" % (len(text), text)


class ClientDisconnected(OSError):
    """What ASGI has an application see when it writes to a caller who is gone."""


def parse_head(head):
    """Method, target in origin form, version and headers with names in lower case. Raises BadRequest."""
    request_line, *lines = head[:-4].split(b"\r\n")
    match = re.fullmatch(rb"([!-~]+) ([!-~]+) (HTTP/1\.[01])", request_line)
    if match is None:
        raise BadRequest("the request line is not one of HTTP/1.0 or HTTP/1.1")
    method, target, version = match.groups()
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not NAME.fullmatch(name) or UNSAFE.search(value):
            raise BadRequest("a header line is malformed")
        headers.append((name.lower(), value.strip(b" \t")))
    host = re.match(rb"https?://[^/?]*", target, re.I)
    if host is not None:
        target = target[host.end() :]
        target = target if target.startswith(b"/") else b"/" + target
    return method.decode(), target, version, headers


class RequestBody:
    """The body of one request, read as the application asks for it. Raises BadRequest when its length is in doubt."""

    def __init__(self, reader, headers):
        self._reader = reader
        encodings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
        lengths = {value for name, value in headers if name == b"content-length"}
        if encodings and (encodings != [b"chunked"] or lengths):
            raise BadRequest("transfer-encoding must be chunked, without a content-length")
        if len(lengths) > 1 or not all(re.fullmatch(rb"[0-9]{1,18}", length) for length in lengths):
            raise BadRequest("content-length is not one number")
        self._chunked = bool(encodings)
        self._left = int(lengths.pop()) if lengths else 0
        self.done = not self._chunked and self._left == 0

    async def read(self):
        """The next piece, empty at the end. Raises EOFError or OSError when the caller goes away before."""
        if self._chunked and self._left == 0 and not self.done:
            size = (await self._reader.readuntil(b"\r\n")).split(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", size):
                raise BadRequest("the size of a chunk is not a number")
            self._left = int(size, 16)
            if self._left == 0:
                while await self._reader.readuntil(b"\r\n") != b"\r\n":
                    pass  # a trailer, which ASGI has no place for
                self.done = True
        if self.done:
            return b""
        piece = await self._reader.read(min(self._left, READ_BYTES))
        if not piece:
            raise EOFError("the caller went away in the middle of a body")
        self._left -= len(piece)
        if self._left == 0 and self._chunked:
            if await self._reader.readexactly(2) != b"\r\n":
                raise BadRequest("a chunk is longer than its size")
        self.done = self._left == 0 and not self._chunked
        return piece

    async def discard(self):
        """Reads what the application did not, so that the connection can take another request."""
        while not self.done:
            await self.read()


class Exchange:
    """One request and its answer. `keeps` tells whether the connection can take another one afterwards."""

    def __init__(self, request, body, writer):
        self.method, _, self.version, headers = request
        self._body = body
        self._writer = writer
        modern = self.version == b"HTTP/1.1"
        self.awaits_continue = modern and any(
            name == b"expect" and value.lower() == b"100-continue" for name, value in headers
        )
        self.keeps = modern and not any(name == b"connection" and b"close" in value.lower() for name, value in headers)
        # Set when the answer is complete or the caller is gone; `gone` tells which.
        self.over = asyncio.Event()
        self.gone = False
        self.complete = False
        self.head_sent = False
        self._body_told = False
        self._start = None
        self._chunked = False
        self._length = None

    def caller_left(self):
        self.gone = True
        self.over.set()

    def abort(self):
        """Cuts the connection."""
        self._writer.transport.abort()

    async def receive(self):
        """ASGI's receive."""
        if self._body_told or self.complete:
            await self.over.wait()
            return {"type": "http.disconnect"}
        if self.awaits_continue:
            self.awaits_continue = False
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            piece = await self._body.read()
        except (OSError, EOFError):
            self.caller_left()
            return {"type": "http.disconnect"}
        self._body_told = self._body.done
        return {"type": "http.request", "body": piece, "more_body": not self._body.done}

    async def send(self, message):
        """ASGI's send. The head leaves with the first piece of the body, so that a failure before it can still be told."""
        kind = message["type"]
        if self.complete:
            raise RuntimeError(f"{kind} was sent after the end of the answer")
        if kind == "http.response.start" and self._start is None:
            self._start = message
            return
        if kind != "http.response.body" or self._start is None:
            raise RuntimeError(f"{kind} was sent where it cannot be")
        if self.gone:
            raise ClientDisconnected("the caller is gone")
        self._write(bytes(message.get("body", b"")), message.get("more_body", False))
        await self._writer.drain()

    async def answer(self, status, text):
        """The server's own answer, in place of the application's. The head must not have been sent."""
        self._start = {"status": status, "headers": [(b"content-type", b"text/plain; charset=utf-8")]}
        self._length = None
        self._write(text.encode(), False)
        await self._writer.drain()

    def _write(self, data, more):
        has_body = self.method != "HEAD" and self._start["status"] not in NO_BODY
        head = b"" if self.head_sent else self._head(has_body, None if more else len(data))
        if self._length is not None and has_body:
            self._length -= len(data)
            if self._length < 0 or (self._length > 0 and not more):
                raise RuntimeError("the body of the answer is not as long as its content-length")
        self.head_sent = True
        if not has_body:
            data = b""
        elif self._chunked:
            data = (b"%x\r\n%b\r\n" % (len(data), data) if data else b"") + (b"" if more else b"0\r\n\r\n")
        self._writer.write(head + data)
        if not more:
            self.complete = True
            self.over.set()

    def _head(self, has_body, whole_length):
        status = self._start["status"]
        lines = [b"HTTP/1.1 %d %b" % (status, reason_of(status))]
        names = set()
        for name, value in self._start.get("headers", ()):
            name, value = bytes(name).lower(), bytes(value)
            if not NAME.fullmatch(name) or UNSAFE.search(value):
                raise RuntimeError(f"the header {name!r} cannot be sent")
            if name == b"content-length":
                self._length = int(value)
            if name == b"connection":
                self.keeps = self.keeps and b"close" not in value.lower()
            elif name != b"transfer-encoding":
                names.add(name)
                lines.append(name + b": " + value)
        if b"date" not in names:
            lines.append(b"date: " + email.utils.formatdate(usegmt=True).encode())
        if has_body and self._length is None:
            if whole_length is not None:
                lines.append(b"content-length: %d" % whole_length)
            elif self.version == b"HTTP/1.1":
                self._chunked = True
                lines.append(b"transfer-encoding: chunked")
            else:
                self.keeps = False
        if not self.keeps:
            lines.append(b"connection: close")
        return b"\r\n".join(lines) + b"\r\n\r\n"


def reason_of(status):
    try:
        return http.HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
