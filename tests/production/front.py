"""nginx as it is shipped, before the nodes of an installation."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from mall.shell.serving.ports import free_port
from mocks.wechatpay import tls
from tests.production.ground import ROOT, Ground, answers, wait
from tests.production.machine import need

SHIPPED = ROOT / "deploy" / "nginx" / "mall.conf"
AROUND = """
user root;
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log warn;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/mall.conf;
}}
"""


class Front:
    """nginx over TLS on loopback; nodes can be taken out and put back."""

    def __init__(self, ground: Ground, ports: Sequence[int]) -> None:
        self._nginx = need("nginx").path
        self.folder = ground.folder / "nginx"
        self.folder.mkdir()
        self.port = free_port(28443)
        self.base = f"https://localhost:{self.port}"
        self._ports = list(ports)
        self.configuration = self.folder / "nginx.conf"
        self.configuration.write_text(AROUND.format(folder=self.folder), encoding="utf-8")
        self._write_shipped(ground.certificates)
        self._write_nodes(self._ports)
        self._run("-t")
        ground.start("nginx", [self._nginx, "-c", str(self.configuration)])
        # Whoever speaks to it trusts its authority, and the mock's.
        self.bundle = ground.folder / "bundle.pem"
        authorities = (ground.certificates / tls.CA_FILE, ground.bundle)
        self.bundle.write_text("".join(each.read_text() for each in authorities), encoding="ascii")

    def _write_shipped(self, certificates: Path) -> None:
        """Write what is shipped with the names of this machine, and nothing else changed."""
        text = SHIPPED.read_text(encoding="utf-8")
        for shipped, here in {
            "/etc/nginx/mall-nodes.conf": f"{self.folder}/nodes.conf",
            "/etc/nginx/mall.pem": str(certificates / tls.CERT_FILE),
            "/etc/nginx/mall.key": str(certificates / tls.KEY_FILE),
            "/var/log/nginx/mall.log": f"{self.folder}/access.log",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "mall.example.cn": "localhost",
        }.items():
            assert shipped in text, shipped
            text = text.replace(shipped, here)
        (self.folder / "mall.conf").write_text(text, encoding="utf-8")

    def _write_nodes(self, ports: Sequence[int]) -> None:
        lines = [
            f"server 127.0.0.1:{port} max_fails=1 fail_timeout=2s"
            f"{'' if port in ports else ' down'};\n"
            for port in self._ports
        ]
        (self.folder / "nodes.conf").write_text("".join(lines), encoding="ascii")

    def _run(self, *arguments: str) -> None:
        command = [self._nginx, "-c", str(self.configuration), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr

    def use(self, ports: Sequence[int]) -> None:
        """Pass requests on to these nodes from now on; those under way end where they are."""
        self._write_nodes(ports)
        self._run("-s", "reload")

    def wait(self) -> None:
        shown = f"{self.base}/v1/store/products"
        wait("the front", lambda: answers(shown, verify=str(self.bundle)))
