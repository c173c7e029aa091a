"""Somebody at the other end of a line who talks without end, or in another language."""

import threading
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from socketserver import StreamRequestHandler, ThreadingTCPServer


def drip(beginning):
    """Say little, then one byte at a time, for ever."""
    pause = threading.Event()
    return chain([beginning], (b"x" for _ in iter(lambda: pause.wait(0.02), True)))


def repeat_forever(words):
    """Say the same for ever, as fast as anybody listens."""
    return repeat(words * 100)


@contextmanager
def talking_server(talk, answers=()):
    """Run a server that gives these answers, each to one line, then talks until nobody listens; yield its port."""

    class Talker(StreamRequestHandler):
        def handle(self):
            with suppress(OSError):
                for answer in answers:
                    self.wfile.write(answer)
                    self.rfile.readline()
                for words in talk():
                    self.wfile.write(words)
                # Who hangs up on what was not read yet takes back what was said.
                self.rfile.read()

    with ThreadingTCPServer(("127.0.0.1", 0), Talker) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()
