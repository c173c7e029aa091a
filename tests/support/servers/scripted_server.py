"""A server that sends fixed lines, for any protocol."""

import socket
import threading
from contextlib import contextmanager, suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer


@contextmanager
def scripted_server(*answers):
    """Run a server that sends the first answer at once and each other one after a line of the client; yield its port.

    After one more line it ends the connection.
    """

    class Handler(StreamRequestHandler):
        def handle(self):
            with suppress(OSError):
                for answer in answers:
                    self.wfile.write(answer)
                    self.rfile.readline()
                # Closing with unread input would reset the connection, and the client would lose the last answer.
                self.connection.shutdown(socket.SHUT_WR)
                self.rfile.read()

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()
