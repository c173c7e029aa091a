"""The real nginx and Caddy in front of a portal, by the recipes in docs/webserver.

Only names, ports and paths of a recipe are replaced; no root is needed.
"""

import http.client
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.request
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.processes import ROOT
from tests.support.servers.http_client import HttpClient
from tests.support.servers.live_server import free_port

RECIPES = ROOT / "docs" / "webserver"
RECIPE_HOST = "melden.muster.example"

# As in Debian's nginx.conf, which compresses, but with one process and its files in a folder of the test.
NGINX_CONF = """\
{user}
worker_processes 1;
pid {folder}/web-server.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    types {{ text/html html; text/css css; application/javascript js; }}
    default_type application/octet-stream;
    gzip on;
    gzip_types text/css application/json application/javascript;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


# Users other than root may have no folder with servers in their PATH.
PROGRAMS = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"


def has_ipv6():
    """Return whether this machine has the address ::1."""
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


def replaced(text, replacements):
    """Return a recipe with all of these replaced; each must be there."""
    for old, new in replacements.items():
        assert old in text, f"The recipe has no {old}"
        text = text.replace(old, new)
    return text


class WebServer:
    """A web server in front of a portal, on ports of its own; localhost is its name."""

    program = ""

    def __init__(self, folder, portal_url, port):
        folder.mkdir()
        self.folder, self.portal, self.port = folder, urlsplit(portal_url).netloc, port
        self.plain_port = next(other for other in iter(free_port, None) if other != port)
        self.url = f"https://localhost:{port}"
        self._pid_file = folder / "web-server.pid"
        self.certificate, self._key = folder / "certificate.pem", folder / "key.pem"
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost"
        files = ["-addext", names, "-out", self.certificate, "-keyout", self._key]
        subprocess.run([*command.split(), *files], check=True, capture_output=True)
        self.tls = ssl.create_default_context(cafile=str(self.certificate))

    @classmethod
    def skip_if_missing(cls):
        """Skip a test on a machine without this web server."""
        if not (shutil.which(cls.program, path=PROGRAMS) and shutil.which("openssl")):
            pytest.skip(f"needs {cls.program} and openssl (.ci/run installs them)")

    def client(self, source="127.0.0.1"):
        """Return a browser without scripts at this address of the machine."""

        class Handler(urllib.request.HTTPSHandler):
            def https_open(handler, request):
                return handler.do_open(lambda host, timeout: self._connection(source), request)

        return HttpClient(self, Handler())

    def ask(self, method, path, body=None, headers=(), source="127.0.0.1"):
        """Send one request and return the answer, which is read, and its content."""
        connection = self._connection(source)
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content.decode(errors="replace")

    def begin_upload(self, source="127.0.0.1"):
        """Send the head of an upload and a little of its body; return the connection and the first line of the answer.

        The line is "100 Continue" once the web server reads the body.
        """
        line = self.tls.wrap_socket(self._connect(source), server_hostname="localhost")
        line.sendall(
            f"POST /anhaenge HTTP/1.1\r\nHost: localhost:{self.port}\r\nContent-Length: 1000000\r\n"
            "Content-Type: application/octet-stream\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        first_line = line.makefile("rb").readline().decode().strip()
        if "100" in first_line:
            line.sendall(b"langsam")
        return line, first_line.partition(" ")[2]

    def _connection(self, source):
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.tls)
        connection.sock = self.tls.wrap_socket(self._connect(source), server_hostname="localhost")
        return connection

    def _connect(self, source):
        host = "::1" if ":" in source else "127.0.0.1"
        line = socket.create_connection((host, self.port), timeout=20, source_address=(source, 0))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line

    def stop(self):
        """End the web server and wait until its ports are free."""
        pid = int(self._pid_file.read_text())
        process = os.pidfd_open(pid)
        os.kill(pid, signal.SIGTERM)
        select.select([process], [], [], 20)
        os.close(process)

    def _launch(self, command, **environment):
        """Run a program that goes into the background once its ports are open."""
        with (self.folder / "output.log").open("ab") as output:
            code = subprocess.call(command, env=os.environ | environment, stdout=output, stderr=output, timeout=20)
        assert code == 0, self.logs()

    def logs(self):
        """Return all that the web server has written."""
        return "".join(path.read_text("utf-8", "replace") for path in self.folder.rglob("*.log"))


class Nginx(WebServer):
    """nginx by docs/webserver/nginx.conf."""

    program = "nginx"

    def start(self, changes=()):
        """Start nginx by the recipe, or by one with changes, and wait until its ports are open."""
        site = replaced(
            (RECIPES / "nginx.conf").read_text("utf-8"),
            {
                RECIPE_HOST: "localhost",
                "/etc/ssl/melden/fullchain.pem": str(self.certificate),
                "/etc/ssl/melden/privkey.pem": str(self._key),
                "/var/log/nginx/": f"{self.folder}/",
                "/var/www/meldeportal": str(RECIPES),
                "127.0.0.1:8400": self.portal,
                "listen 80;": f"listen {self.plain_port};",
                "listen [::]:80;": f"listen [::]:{self.plain_port};",
                "listen 443 ": f"listen {self.port} ",
                "listen [::]:443 ": f"listen [::]:{self.port} ",
            },
        )
        lines = replaced(site, dict(changes)).splitlines()
        usable = [line for line in lines if has_ipv6() or "listen [::]" not in line]
        (self.folder / "site.conf").write_text("\n".join(usable), "utf-8")
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(NGINX_CONF.format(folder=self.folder, user=user), "utf-8")
        files = ["-p", self.folder, "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"]
        self._launch([shutil.which("nginx", path=PROGRAMS), *files])
        # Its ports are open, but only when a worker answers is the number of its process written.
        self.ask("GET", "/wartung.html")


class Caddy(WebServer):
    """Caddy by docs/webserver/Caddyfile."""

    program = "caddy"

    def start(self):
        """Start Caddy by the recipe and wait until its ports are open."""
        ports = f"admin off\n\thttp_port {self.plain_port}\n\thttps_port {self.port}"
        site = replaced(
            (RECIPES / "Caddyfile").read_text("utf-8"),
            {
                "{\n\tservers {": f"{{\n\t{ports}\n\tservers {{",
                # Some offices want an access log, which the recipe does not have.
                f"{RECIPE_HOST} {{": f"localhost {{\n\tlog\n\ttls {self.certificate} {self._key}",
                "/var/www/meldeportal": str(RECIPES),
                "127.0.0.1:8400": self.portal,
            },
        )
        config = self.folder / "Caddyfile"
        config.write_text(site, "utf-8")
        home = {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        options = ["--config", config, "--adapter", "caddyfile", "--pidfile", self._pid_file]
        self._launch(["caddy", "start", *options], **home)


def connections_to(netloc):
    """Return how many connections to a local port are open."""
    port = f"{urlsplit(f'//{netloc}').port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(local.endswith(f":{port}") and state == "01" for _, local, _, state, *_ in rows)
