"""The mall as an operations engineer would run it: set up, served, worked for, from one release."""

import json
import re
import secrets
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyotp
import requests

from mall.shell.serving.ports import free_port
from tests.production.ground import ROOT, Ground, answers, wait

if TYPE_CHECKING:
    from tests.production.front import Front

POOLS = {"urgent": "payments,fulfillment", "others": "index,sheets,bulk,notify"}


class Installation:
    """Processes of one release on a ground, found at one address."""

    def __init__(
        self, ground: Ground, programs: Path, name: str = "mall", port: int | None = None
    ) -> None:
        self.ground = ground
        self.programs = programs
        self.name = name
        self.port = port or free_port(28000)
        self.base = f"http://127.0.0.1:{self.port}"
        self.environment = ground.environment(self.base)
        (ground.folder / "tmp").mkdir(exist_ok=True)
        self._processes: list[subprocess.Popen[bytes]] = []

    def run(self, *arguments: str, owner: bool = False, expect: int = 0) -> str:
        """Run a command of the mall; return what it said."""
        environment = dict(self.environment)
        if owner:
            environment["DATABASE_OWNER_URL"] = self.ground.owner_url
        done = subprocess.run(
            [str(self.programs / "mall"), *arguments],
            env=environment,
            cwd=self.ground.folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode != expect:
            raise RuntimeError(f"mall {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(
        self, *arguments: str, name: str = "", owner: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start a process of the mall."""
        environment = dict(self.environment)
        if owner:
            environment["DATABASE_OWNER_URL"] = self.ground.owner_url
        process = self.ground.start(
            f"{self.name}-{name or arguments[0]}",
            [str(self.programs / "mall"), *arguments],
            environment,
            cwd=self.ground.folder,
        )
        self._processes.append(process)
        return process

    def start_all(self) -> None:
        """Start web server, workers and scheduler, and wait until requests are answered."""
        self.serve()
        self.start_background()
        self.wait_ready()

    def serve(self) -> None:
        internal = str(free_port(29100))
        self.start("serve", "--port", str(self.port), "--workers", "2", "--internal-port", internal)

    def start_background(self) -> list[subprocess.Popen[bytes]]:
        """Start workers and scheduler; return them."""
        started = []
        for pool, queues in POOLS.items():
            arguments = ["worker", "--queues", queues, "--processes", "1"]
            arguments += ["--internal-port", str(free_port(29100))]
            started.append(self.start(*arguments, name=f"worker-{pool}"))
        started.append(self.start("scheduler", "--internal-port", str(free_port(29100))))
        return started

    def stand_behind(self, front: "Front") -> None:
        """Be found where the front is, and believe it about its clients."""
        self.environment["MALL_PUBLIC_URL"] = front.base
        self.environment["MALL_TRUSTED_PROXIES"] = "127.0.0.1"

    def wait_ready(self) -> None:
        wait(f"{self.name} is ready", lambda: answers(f"{self.base}/readyz"), 60)

    def stop_all(self) -> list[int]:
        """Stop every process; return how each ended."""
        return [self.ground.end(process) for process in reversed(self._processes)]

    # People

    def call(self, method: str, path: str, body: Any, token: str = "") -> Any:
        """Ask the mall; return its answer, or raise RuntimeError with it."""
        headers = {"Idempotency-Key": secrets.token_hex(16), "Accept-Language": "en"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        reply = requests.request(method, self.base + path, json=body, headers=headers, timeout=15)
        if not reply.ok:
            raise RuntimeError(f"{method} {path}: {reply.status_code} {reply.text}")
        return reply.json() if reply.content else None

    def operator(self, username: str, said: str) -> str:
        """Take up an invitation that `mall setup` printed, as its person would; return a token."""
        found = re.search(rf"invitation for {re.escape(username)}.*\n.*#(\S+)", said)
        assert found, said
        password = f"own-{secrets.token_hex(10)}"
        chosen = {"code": found[1], "password": password}
        self.call("POST", "/v1/ops/password/invitation", chosen)
        who = {"username": username, "password": password}
        token: str = self.call("POST", "/v1/ops/session", who)["token"]
        self._prove(who)
        factor = self.call("POST", "/v1/ops/totp", {"password": password}, token)
        code = pyotp.TOTP(factor["secret"]).now()
        self.call("POST", "/v1/ops/totp/confirm", {"code": code}, token)
        return token

    def _prove(self, who: dict[str, str]) -> None:
        code = {"code": f"staff-{secrets.token_hex(6)}:1"}
        member = self.call("POST", "/v1/store/session", code)["token"]
        phone = f"phone-137{secrets.randbelow(10**8):08d}:{secrets.token_hex(4)}"
        self.call("PUT", "/v1/store/me/phone", {"code": phone}, member)
        self.call("POST", "/v1/store/me/staff-account", who, member)

    def story_environment(self, operators: dict[str, str]) -> dict[str, str]:
        """Return what a story is told with: whose tokens, and which program audits."""
        program = str(self.programs / "mall")
        told = {"STORY_OPERATORS": json.dumps(operators), "STORY_MALL": program}
        return {**self.environment, **told}

    def tell(self, story: str, operators: dict[str, str]) -> str:
        """Play a story of this folder against the installation; return its last line."""
        environment = {**self.story_environment(operators), "PYTHONPATH": str(ROOT)}
        command = ["-m", "devtools", "story", story, "--short", "--base", self.base]
        done = subprocess.run(
            [str(ROOT / ".venv" / "bin" / "python"), *command],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode != 0:
            raise RuntimeError(f"story {story}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout.strip().splitlines()[-1]
