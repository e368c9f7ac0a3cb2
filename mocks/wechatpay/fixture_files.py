"""Merchants, keys and canned answers that the mock begins with; users may bring their own."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

HERE = Path(__file__).parent / "fixtures"
DATA_SUFFIXES = (".json", ".pem")


@dataclass(frozen=True)
class Merchant:
    """A merchant and its mini-program, with the keys it shares with WeChat."""

    mch_id: str
    appid: str
    app_secret: str
    pay_key: str
    apiv3_key: str
    certificate: x509.Certificate

    @property
    def serial_no(self) -> str:
        """The number of the merchant's certificate, as requests of API v3 name it."""
        return format(self.certificate.serial_number, "X")

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        key = self.certificate.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        return key


@dataclass(frozen=True)
class Fixtures:
    """Everything read from a folder of fixtures."""

    merchants: tuple[Merchant, ...]
    # Private keys of the platform by the id of their public keys; the first signs.
    platform_keys: dict[str, rsa.RSAPrivateKey]
    platform_certificate: x509.Certificate
    platform_certificate_pem: str
    certificate_key: rsa.RSAPrivateKey
    stateless: dict[str, Any]


def _private(path: Path) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(f"{path} holds no RSA key")
    return key


def load(folder: Path = HERE) -> Fixtures:
    """Read a folder of fixtures; raises OSError, KeyError or ValueError where it is not one."""
    described = json.loads((folder / "merchants.json").read_text(encoding="utf-8"))
    merchants = tuple(
        Merchant(
            certificate=x509.load_pem_x509_certificate(
                (folder / each.pop("certificate")).read_bytes()
            ),
            **each,
        )
        for each in described
    )
    keys = {
        path.stem: _private(path) for path in sorted((folder / "platform").glob("PUB_KEY_ID_*.pem"))
    }
    if not merchants or not keys:
        raise ValueError(f"{folder} has no merchant or no platform key")
    certificate_pem = (folder / "platform" / "certificate.pem").read_text(encoding="ascii")
    return Fixtures(
        merchants=merchants,
        platform_keys=keys,
        platform_certificate=x509.load_pem_x509_certificate(certificate_pem.encode()),
        platform_certificate_pem=certificate_pem,
        certificate_key=_private(folder / "platform" / "certificate_key.pem"),
        stateless=json.loads((folder / "stateless.json").read_text(encoding="utf-8")),
    )


def copy_to(folder: Path) -> list[Path]:
    """Write the fixtures into a folder, for a user to change; return the files."""
    written = []
    for source in sorted(HERE.rglob("*")):
        if source.suffix in DATA_SUFFIXES:
            target = folder / source.relative_to(HERE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            written.append(target)
    return written
