"""Both proxies, run before a program that tells what came: who gets the hub's secret, and who only sends one."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from merchant.core import clock
from tests.deploy.tools import DEPLOY, needs, run

SECRET = "the-gateways-secret-of-this-test"
HUB, STRANGER = "127.0.0.2", "127.0.0.3"


class Telling(BaseHTTPRequestHandler):
    """Answers with the request's headers, one a line."""

    def do_GET(self) -> None:
        body = "".join(f"{name.lower()}: {value}\n" for name, value in self.headers.items()).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def backend() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Telling) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with fullchain.pem, privkey.pem, and merchant.pem, which holds both."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pay.example.org")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(clock.now() - timedelta(days=1))
    signed = made.not_valid_after(clock.now() + timedelta(days=1)).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = signed.public_bytes(serialization.Encoding.PEM)
    (folder / "fullchain.pem").write_bytes(public)
    (folder / "privkey.pem").write_bytes(private)
    (folder / "merchant.pem").write_bytes(public + private)
    return folder


@contextlib.contextmanager
def running(command: list[str], port: int, **environment: str) -> Iterator[None]:
    with subprocess.Popen(command, env=environment or None, stderr=subprocess.PIPE) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if process.poll() is not None:
                    assert process.stderr is not None
                    pytest.fail(process.stderr.read().decode())
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def nginx_conf(folder: Path, certificate: Path, port: int, backend: int) -> Path:
    """Our sample, as an administrator changes it, inside a configuration that needs no rights."""
    text = (DEPLOY / "nginx.conf").read_text()
    text = text.replace("192.0.2.0/24", f"{HUB}/32").replace("/etc/ssl/merchant", str(certificate))
    text = text.replace("/etc/nginx/merchant-gateway.conf", str(folder / "gateway.conf"))
    text = text.replace("listen 443 ssl", f"listen {port} ssl").replace("listen 80;", f"listen {free_port()};")
    text = text.replace("/var/log/nginx/merchant.log", str(folder / "access.log")).replace(":8000", f":{backend}")
    line = f'map $merchant_hub $merchant_gateway_secret {{ default ""; 1 "{SECRET}"; }}\n'
    (folder / "gateway.conf").write_text(line)
    (folder / "sample.conf").write_text(text)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\n{temporary}include {folder}/sample.conf;\n}}\n"
    )
    return folder / "nginx.conf"


def bare_nginx(folder: Path) -> list[str]:
    """The command that runs a folder's sample.conf in an nginx without rights."""
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{ client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;\n"
        f"uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; include {folder}/sample.conf; }}\n"
    )
    program = shutil.which("nginx")
    assert program is not None
    return [program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]


def haproxy_conf(folder: Path, certificate: Path, port: int, backend: int) -> Path:
    """Likewise for HAProxy."""
    text = (DEPLOY / "haproxy.cfg").read_text()
    text = text.replace("192.0.2.0/24", f"{HUB}/32").replace("/etc/ssl/merchant", str(certificate))
    text = text.replace("bind :443", f"bind :{port}").replace("bind :80\n", f"bind :{free_port()}\n")
    text = text.replace("    user haproxy\n    group haproxy\n", "").replace("/dev/log local0", "127.0.0.1:1 local0")
    (folder / "haproxy.cfg").write_text(text.replace("127.0.0.1:8000", f"127.0.0.1:{backend}"))
    return folder / "haproxy.cfg"


PROXIES = [
    pytest.param("nginx", marks=needs("nginx", "nginx-light")),
    pytest.param("haproxy", marks=needs("haproxy", "haproxy")),
]


@pytest.fixture(scope="module", params=PROXIES)
def proxy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, certificate: Path, backend: int
) -> Iterator[int]:
    """The port of a proxy that runs."""
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    program = shutil.which(request.param)
    assert program is not None
    if request.param == "nginx":
        command = [program, "-c", str(nginx_conf(folder, certificate, port, backend)), "-e", str(folder / "error.log")]
    else:
        command = [program, "-db", "-f", str(haproxy_conf(folder, certificate, port, backend))]
    with running(command, port, MERCHANT_GATEWAY_SECRET=SECRET):
        yield port


def ask(port: int, path: str, source: str, **headers: str) -> tuple[int, dict[str, str]]:
    """What a caller from an address is answered: the status, and the headers that reached the service."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    given = {"Host": "pay.example.org"} | {name.replace("_", "-"): value for name, value in headers.items()}
    raw = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    with (
        socket.create_connection(("127.0.0.1", port), 5, source_address=(source, 0)) as plain,
        context.wrap_socket(plain, server_hostname="pay.example.org") as line,
    ):
        line.sendall(f"GET {path} HTTP/1.1\r\n{raw}Connection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    told = dict(text.split(": ", 1) for text in body.decode(errors="replace").splitlines() if ": " in text)
    return int(head.split()[1]), told


def test_the_hub_gets_the_secret(proxy: int) -> None:
    status, headers = ask(proxy, "/oracle/participants/ALIAS/1", HUB)
    assert (status, headers["x-gateway-secret"]) == (200, SECRET)


@pytest.mark.parametrize("path", ["/oracle/participants/ALIAS/1", "/fspiop/quotes", "/", "/api/v1/events"])
def test_nobody_else_gets_it_nor_passes_with_one_of_their_own(proxy: int, path: str) -> None:
    status, headers = ask(proxy, path, STRANGER, x_gateway_secret=SECRET)
    assert status == 200
    assert "x-gateway-secret" not in headers


@pytest.mark.parametrize("path", ["/", "/fspiop/quotes"])
def test_the_callers_address_is_the_connections_and_not_what_they_say(proxy: int, path: str) -> None:
    _, headers = ask(proxy, path, STRANGER, x_forwarded_for="198.51.100.7", x_forwarded_proto="http")
    assert (headers["x-forwarded-for"], headers["x-forwarded-proto"]) == (STRANGER, "https")
    assert headers["host"] == "pay.example.org"


@pytest.mark.parametrize("source", [HUB, STRANGER])
def test_figures_are_not_for_outside(proxy: int, source: str) -> None:
    assert ask(proxy, "/metrics", source)[0] == 404


@needs("nginx", "nginx-light")
def test_the_way_of_prometheus_adds_the_secret_to_figures_only(tmp_path: Path, backend: int) -> None:
    text = (DEPLOY / "monitoring" / "metrics-proxy.conf").read_text()
    web, worker = free_port(), free_port()
    text = text.replace("127.0.0.1:8001", f"127.0.0.1:{web}").replace("127.0.0.1:8011", f"127.0.0.1:{worker}")
    text = text.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{backend}")
    text = text.replace("/etc/nginx/merchant-metrics-secret.conf", str(tmp_path / "secret.conf"))
    (tmp_path / "secret.conf").write_text(f'proxy_set_header x-gateway-secret "{SECRET}";\n')
    (tmp_path / "sample.conf").write_text(text)
    with running(bare_nginx(tmp_path), web):
        with urllib.request.urlopen(f"http://127.0.0.1:{web}/metrics", timeout=5) as answer:
            assert f"x-gateway-secret: {SECRET}\n" in answer.read().decode()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{web}/oracle/participants/ALIAS/1", timeout=5)


@needs("nginx", "nginx-light")
def test_the_way_of_a_hub_in_the_cluster_adds_the_secret_on_the_hubs_paths_only(tmp_path: Path, backend: int) -> None:
    text = (DEPLOY / "helm" / "merchant" / "files" / "hub-proxy.conf.template").read_text()
    port = free_port()
    text = text.replace("${MERCHANT_GATEWAY_SECRET}", SECRET).replace("${MERCHANT_WEB}", f"127.0.0.1:{backend}")
    (tmp_path / "sample.conf").write_text(text.replace("listen 8080;", f"listen 127.0.0.1:{port};"))
    with running(bare_nginx(tmp_path), port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/oracle/participants/ALIAS/1", timeout=5) as answer:
            told = answer.read().decode()
        assert f"x-gateway-secret: {SECRET}\n" in told and "x-forwarded-for: 127.0.0.1\n" in told
        for path in ("/", "/metrics", "/api/v1/sessions"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5)


@needs("haproxy", "haproxy")
def test_haproxy_takes_its_sample_without_a_warning(tmp_path: Path, certificate: Path) -> None:
    ended = run(
        "haproxy", "-c", "-f", haproxy_conf(tmp_path, certificate, free_port(), 8000), MERCHANT_GATEWAY_SECRET=SECRET
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_haproxys_lines_hold_no_query_and_paths_with_secrets_leave_none() -> None:
    text = (DEPLOY / "haproxy.cfg").read_text()
    [form] = [line for line in text.splitlines() if "log-format" in line]
    assert "%HPO" in form
    assert not any(word in form for word in ("%r", "%HU", "%HQ", "%hr", "%HP "))
    silent = " ".join(line for line in text.splitlines() if "set-log-level silent" in line)
    for path in ("/ussd/", "/oracle/", "/fspiop/", "/account/", "/r/", "/api/v1/invitations/", "/api/v1/events"):
        assert path in silent
