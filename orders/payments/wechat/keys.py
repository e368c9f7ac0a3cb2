"""What is wrong with a merchant's keys and certificate, found before anybody pays (docs/adr/0040)."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509.oid import NameOID

from mall.kernel.settings import MerchantSettings

KEY_LENGTH, RSA_BITS = 32, 2048
# A certificate is renewed at WeChat's merchant platform, by hand.
SOON_DAYS = 30


@dataclass
class Keys:
    """What was found: what does not work, what will not soon, and how many days are left."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    days_left: int | None = None


def judge(merchant: MerchantSettings, now: datetime) -> Keys:
    """Return what is wrong with a merchant's secrets, key pair, certificate and public keys.

    Nothing that is said quotes a secret.
    """
    found = Keys()
    _secrets(merchant, found)
    # v2 needs the pair for refunds only, but needs it.
    if merchant.cert_file or merchant.key_file or merchant.version == "v3":
        _pair(merchant, now, found)
    if merchant.version == "v3":
        _public_keys(merchant, found)
    return found


def _secrets(merchant: MerchantSettings, found: Keys) -> None:
    name, secret = {
        "v2": ("API v2 key", merchant.api_key),
        "v3": ("APIv3 key", merchant.apiv3_key),
    }[merchant.version]
    try:
        values = secret.values()
    except (OSError, UnicodeDecodeError) as error:
        found.problems.append(f"the {name} cannot be read: {type(error).__name__}")
        return
    if not values:
        found.problems.append(f"there is no {name}")
    if any(len(value.encode()) != KEY_LENGTH for value in values):
        found.problems.append(f"the {name} is not {KEY_LENGTH} characters long")


def _pair(merchant: MerchantSettings, now: datetime, found: Keys) -> None:
    try:
        certificate = x509.load_pem_x509_certificate(Path(merchant.cert_file).read_bytes())
    except (OSError, ValueError) as error:
        found.problems.append(f"the certificate cannot be read: {_said(error)}")
        return
    try:
        key = load_pem_private_key(Path(merchant.key_file).read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        found.problems.append(f"the private key cannot be read: {_said(error)}")
        return
    if certificate.public_key() != key.public_key():
        found.problems.append("the private key does not belong to the certificate")
    if not isinstance(key, RSAPrivateKey) or key.key_size < RSA_BITS:
        found.problems.append(f"the private key is no RSA key of {RSA_BITS} bits")
    _dates(certificate, now, found)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if names and names[0].value != merchant.mch_id:
        found.problems.append(f"the certificate is of {names[0].value!r}, not of {merchant.mch_id}")


def _dates(certificate: x509.Certificate, now: datetime, found: Keys) -> None:
    found.days_left = (certificate.not_valid_after_utc - now).days
    if now < certificate.not_valid_before_utc:
        found.problems.append(
            f"the certificate is not valid before {certificate.not_valid_before_utc:%F}"
        )
    if found.days_left < 0:
        found.problems.append(f"the certificate ended on {certificate.not_valid_after_utc:%F}")
    elif found.days_left < SOON_DAYS:
        found.warnings.append(f"the certificate ends in {found.days_left} days")


def _public_keys(merchant: MerchantSettings, found: Keys) -> None:
    files = sorted(Path(merchant.public_keys_dir or "/nowhere").glob("PUB_KEY_ID_*.pem"))
    if not files:
        found.problems.append("there is no public key of WeChat's")
    for file in files:
        try:
            load_pem_public_key(file.read_bytes())
        except (OSError, ValueError) as error:
            found.problems.append(f"{file.name} cannot be read: {_said(error)}")


def _said(error: Exception) -> str:
    """Return why a file could not be read; a library's own words may quote it."""
    return error.strerror or "unreadable" if isinstance(error, OSError) else "no PEM of that kind"
