"""Serves one ASGI application of a service version: the program of a replica's process. Standard library only.

The emulator says on descriptor 3, in one JSON line, what to load: {"target": "module:attribute", "args": {...},
"rootPath": "/prefix" or ""}. The answer there is {"port": ...} when it listens on loopback or {"error": ...} when it
cannot. It goes on serving when the emulator dies, so that the next one can adopt it.
"""

import asyncio
import importlib
import inspect
import json
import os
import signal
import socket
import sys
import traceback
import urllib.parse

# Its own directory is not for the application: neither on its path, nor to be written to.
_writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
from tuneloop_http import MAX_HEAD_BYTES, BadRequest, Exchange, RequestBody, parse_head  # noqa: E402

sys.dont_write_bytecode = _writes_bytecode

# Answered here, as Ray Serve does, and not by the application: it tells that the event loop turns.
HEALTH_PATH = b"/-/healthz"
# How long the rest of a body that the application did not read may take to arrive, in seconds.
DISCARD_SECONDS = 10


class Connection(asyncio.StreamReaderProtocol):
    """A connection that tells its exchange when the caller goes away, also while nobody reads from it."""

    def __init__(self, server):
        self.exchange = None
        reader = asyncio.StreamReader(limit=MAX_HEAD_BYTES)
        super().__init__(reader, lambda reader, writer: server.serve(self, reader, writer))

    def eof_received(self):
        self._left()
        return super().eof_received()

    def connection_lost(self, exc):
        self._left()
        super().connection_lost(exc)

    def _left(self):
        if self.exchange is not None:
            self.exchange.caller_left()


class Lifespan:
    """ASGI's lifespan. An application that knows none, and returns or fails at it, is served all the same."""

    def __init__(self, application):
        self.state = {}
        self._events = asyncio.Queue()
        self._answer = None
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        self._task = asyncio.ensure_future(self._run(application, scope))

    async def _run(self, application, scope):
        try:
            await application(scope, self._events.get, self._send)
        except Exception:
            if self._answer is None or self._answer.done():
                traceback.print_exc()

    async def _send(self, message):
        if not self._answer.done():
            self._answer.set_result(message)

    async def pass_through(self, phase):
        """Lets the application start or shut down. Raises with its reason when it says that it failed."""
        self._answer = asyncio.get_running_loop().create_future()
        self._events.put_nowait({"type": f"lifespan.{phase}"})
        await asyncio.wait({self._answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if self._answer.done() and self._answer.result()["type"] == f"lifespan.{phase}.failed":
            raise RuntimeError(self._answer.result().get("message") or f"the application's {phase} failed")


class Server:
    """One application over HTTP/1.1. Connections are kept for as long as the caller likes."""

    def __init__(self, application, root_path):
        self._application = application
        self._root_path = root_path
        self._lifespan = Lifespan(application)
        self._idle = set()
        self._busy = set()
        self._stopping = False

    async def start(self):
        """Lets the application start, then listens on a free port of loopback; answers the port."""
        await self._lifespan.pass_through("startup")
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Connection(self), "127.0.0.1", 0, backlog=1024)
        return self._listener.sockets[0].getsockname()[1]

    async def stop(self):
        """Ends after the requests in flight."""
        self._stopping = True
        self._listener.close()
        for task in self._idle:
            task.cancel()
        if self._busy:
            await asyncio.wait(self._busy)
        await self._lifespan.pass_through("shutdown")

    async def serve(self, connection, reader, writer):
        """Answers the requests of one connection, one after the other."""
        task = asyncio.current_task()
        try:
            keeps = True
            while keeps and not self._stopping:
                self._idle.add(task)
                head = await reader.readuntil(b"\r\n\r\n")
                self._idle.discard(task)
                self._busy.add(task)
                keeps = await self._answer(connection, head, reader, writer)
                self._busy.discard(task)
        except BadRequest as problem:
            writer.write(problem.answer())
        except asyncio.LimitOverrunError:
            writer.write(BadRequest(f"the head is longer than {MAX_HEAD_BYTES} bytes").answer())
        except (OSError, EOFError, asyncio.TimeoutError, asyncio.CancelledError):
            pass  # the caller left, or this server ends
        finally:
            self._idle.discard(task)
            self._busy.discard(task)
            writer.close()

    async def _answer(self, connection, head, reader, writer):
        """Answers one request; whether the connection can take another one."""
        request = parse_head(head)
        body = RequestBody(reader, request[3])
        exchange = connection.exchange = Exchange(request, body, writer)
        exchange.keeps = exchange.keeps and not self._stopping
        if request[1].split(b"?")[0] == HEALTH_PATH:
            await exchange.answer(200, "success")
        elif not await self._call(exchange, self._scope(request, writer)):
            return False
        if body.done:
            return exchange.keeps
        # A caller who still waits for "100 Continue" will not send the body now.
        if exchange.keeps and not exchange.awaits_continue:
            await asyncio.wait_for(body.discard(), DISCARD_SECONDS)
            return True
        return False

    async def _call(self, exchange, scope):
        """Has the application answer; whether the answer is whole. A failure is in the log, and is told if it can be."""
        try:
            await self._application(scope, exchange.receive, exchange.send)
            if not exchange.complete:
                raise RuntimeError("the application returned before the end of its answer")
        except Exception as error:
            if exchange.gone:
                return False
            if not exchange.head_sent and isinstance(error, BadRequest):
                raise
            traceback.print_exc()
            if exchange.complete:
                return True
            if exchange.head_sent:
                # To cut the connection is the only way to say that the answer is not whole.
                exchange.abort()
                return False
            await exchange.answer(500, "Internal Server Error")
        return True

    def _scope(self, request, writer):
        method, target, version, headers = request
        raw_path, _, query = target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": version[5:].decode(),
            "method": method,
            "scheme": "http",
            "path": urllib.parse.unquote_to_bytes(raw_path).decode("utf-8", "replace"),
            "raw_path": raw_path,
            "query_string": query,
            "root_path": self._root_path,
            "headers": headers,
            "client": writer.get_extra_info("peername"),
            "server": writer.get_extra_info("sockname"),
            "state": self._lifespan.state.copy(),
            "extensions": {},
        }


def load(target, args):
    """Imports the ASGI application, or has the function of that name build it out of args. Raises with the reason."""
    module_name, _, path = target.partition(":")
    try:
        loaded = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "ray":
            raise RuntimeError(no_ray(target)) from error
        raise
    for name in path.split("."):
        if not hasattr(loaded, name):
            raise AttributeError(f"module {module_name!r} has no attribute {path!r}")
        loaded = getattr(loaded, name)
    if not is_asgi(loaded, target) and takes(loaded, 1):
        loaded = loaded(args)
    elif args:
        raise TypeError(f"{target} is not a function of one argument, as args need")
    if not is_asgi(loaded, target):
        raise TypeError(f"{target} is neither an ASGI application nor a function of its args that returns one")
    return loaded


def is_asgi(value, target):
    """Whether it can be called as an ASGI application. Raises for what only Ray Serve can run."""
    if any(kind.__module__.split(".")[0] == "ray" for kind in type(value).__mro__):
        raise RuntimeError(no_ray(target))
    return takes(value, 3) and not inspect.isclass(value)


def no_ray(target):
    return f"Ray Serve does not run here: let {target} be an ASGI application, or a function of args that returns one"


def takes(value, count):
    """Whether it can be called with so many positional arguments."""
    try:
        inspect.signature(value).bind(*[None] * count)
    except (TypeError, ValueError):
        return False
    return True


def tell(channel, message):
    try:
        channel.sendall(json.dumps(message).encode() + b"\n")
    except OSError:
        pass  # the emulator is gone


async def run(application, root_path, channel):
    server = Server(application, root_path)
    port = await server.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    tell(channel, {"port": port})
    await ended.wait()
    await server.stop()


def main():
    channel = socket.socket(fileno=3)
    channel.set_inheritable(False)
    line = channel.makefile("rb").readline()
    if not line:
        sys.exit(1)  # the emulator died before it recorded this process: nobody would ever end it
    order = json.loads(line)
    sys.path[0] = os.getcwd()
    try:
        application = load(order["target"], order["args"])
        asyncio.run(run(application, order["rootPath"], channel))
    except Exception as error:
        traceback.print_exc()
        tell(channel, {"error": f"{type(error).__name__}: {error}"})
        sys.exit(1)


if __name__ == "__main__":
    main()
