"""The core of API v3: whose key signed, how old a message is, and requests over our session."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from wechatpayv3.core import Core
from wechatpayv3.type import RequestType
from wechatpayv3.utils import build_authorization, load_public_key, rsa_verify

from mall.kernel.settings import WatchedFile
from orders.payments.wechat.wire import WireSession

MAX_AGE_SECONDS = 300
SCHEME = "WECHATPAY2-SHA256-RSA2048"


class WeChatPayRefusal(Exception):
    """A verified refusal, with WeChat's code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PlatformKeys:
    """WeChat's public keys in a folder, by their ids; new files are seen at once."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._files: dict[str, WatchedFile] = {}

    def get(self, key_id: str) -> Any:
        """Return the public key of an id, or None."""
        if not key_id.startswith("PUB_KEY_ID_") or not key_id.replace("_", "").isalnum():
            return None
        file = self._files.get(key_id) or WatchedFile(self._folder / f"{key_id}.pem")
        try:
            key = load_public_key(file.text())
        except OSError:
            return None
        self._files[key_id] = file
        return key

    def newest(self) -> tuple[str, str]:
        """Return id and text of the key that requests name: the last id in the folder."""
        path = max(self._folder.glob("PUB_KEY_ID_*.pem"))
        return path.stem, path.read_text(encoding="ascii")


def verify(keys: PlatformKeys, headers: Mapping[str, str], body: str) -> str | None:
    """Return what is wrong with a message's signature, or None: it is WeChat's and of now."""
    timestamp = headers.get("Wechatpay-Timestamp", "")
    if headers.get("Wechatpay-Signature-Type", SCHEME) != SCHEME:
        return "signature type"
    # The age is the wire's, not the mall's day: the clock of the machine counts.
    is_moment = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
    if not is_moment or abs(time.time() - int(timestamp)) > MAX_AGE_SECONDS:
        return "age"
    key = keys.get(headers.get("Wechatpay-Serial", ""))
    nonce, signature = headers.get("Wechatpay-Nonce", ""), headers.get("Wechatpay-Signature", "")
    if key is None:
        return "unknown key"
    try:
        is_good = rsa_verify(timestamp, nonce, body, signature, key)
    except ValueError:
        is_good = False
    return None if is_good else "signature"


class VerifyingCore(Core):
    """wechatpayv3's core over our session: every answer that decides anything is verified."""

    session: WireSession
    platform_keys: PlatformKeys

    def request(
        self,
        path: str,
        method: RequestType = RequestType.GET,
        data: Any = None,
        skip_verify: bool = False,
        **_: Any,
    ) -> tuple[int, Any]:
        body = json.dumps(data, ensure_ascii=False) if data is not None else ""
        authorization = build_authorization(
            path, method.value, self._mchid, self._cert_serial_no, self._private_key, data=body
        )
        response = self.session.request(
            method.value,
            self._gate_way + path,
            data=body.encode() or None,
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                "Authorization": authorization,
                "Wechatpay-Serial": self._public_key_id,
            },
        )
        if response.status_code >= 500:
            raise requests.HTTPError(f"status {response.status_code}", response=response)
        if not (skip_verify and response.ok):
            wrong = verify(self.platform_keys, response.headers, response.content.decode())
            if wrong is not None:
                raise requests.exceptions.InvalidHeader(f"the answer's {wrong} is wrong")
        if skip_verify and response.ok:
            return response.status_code, response.content
        said = json.loads(response.content or b"{}")
        if not response.ok:
            raise WeChatPayRefusal(str(said.get("code", "")))
        return response.status_code, said
