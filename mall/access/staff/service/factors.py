"""The second factor: one-time passwords by time, and the codes for when the phone is lost."""

import base64
import hashlib
import hmac
import secrets
from uuid import UUID

import pyotp
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import delete, select, update

from mall.access import rules as access_rules
from mall.access.models import RecoveryCode, SecondFactor, StaffAccount
from mall.kernel.ids import ALPHABET
from mall.kernel.uow import UnitOfWork

ISSUER = "橙意湛赏"
STEP_SECONDS = 30
RECOVERY_CODES, RECOVERY_LENGTH = 10, 10


def _cipher(uow: UnitOfWork) -> Fernet:
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"mall second factor").derive(
        uow.settings.secret_key.encode()
    )
    return Fernet(base64.urlsafe_b64encode(derived))


def _find(uow: UnitOfWork, account_id: UUID) -> SecondFactor | None:
    return uow.session.get(SecondFactor, account_id, populate_existing=True)


def is_set(uow: UnitOfWork, account_id: UUID) -> bool:
    """Tell whether an account signs in with a second factor."""
    found = _find(uow, account_id)
    return found is not None and found.confirmed_at is not None


def begin(uow: UnitOfWork, account: StaffAccount) -> tuple[str, str]:
    """Return a new secret and its address for an app; it counts once a code was given for it.

    Raises TotpSet.
    """
    found = _find(uow, account.id)
    if found is not None and found.confirmed_at is not None:
        raise access_rules.TotpSet()
    secret = pyotp.random_base32()
    if found is None:
        found = SecondFactor(account_id=account.id)
        uow.session.add(found)
    found.secret = _cipher(uow).encrypt(secret.encode())
    found.last_step, found.created_at = 0, uow.now
    uow.session.flush()
    return secret, pyotp.TOTP(secret).provisioning_uri(name=account.username, issuer_name=ISSUER)


def confirm(uow: UnitOfWork, account: StaffAccount, code: str) -> list[str] | None:
    """Take a secret into use by a code of it; return the recovery codes, readable only now.

    Returns None for a wrong code. Raises TotpSet where one is in use already.
    """
    found = _find(uow, account.id)
    if found is None or not _use_step(uow, found, code):
        return None
    taken = uow.session.scalars(
        update(SecondFactor)
        .where(SecondFactor.account_id == account.id, SecondFactor.confirmed_at.is_(None))
        .values(confirmed_at=uow.now)
        .returning(SecondFactor.account_id)
    ).first()
    if taken is None:
        raise access_rules.TotpSet()
    codes = [
        "".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LENGTH))
        for _ in range(RECOVERY_CODES)
    ]
    uow.session.add_all(
        RecoveryCode(code_hash=_hash(account.id, each), account_id=account.id) for each in codes
    )
    return codes


def use(uow: UnitOfWork, account_id: UUID, code: str) -> bool:
    """Use a one-time password or a recovery code; tell whether it was right and not used before."""
    found = _find(uow, account_id)
    if found is None or found.confirmed_at is None:
        return False
    return _use_step(uow, found, code) or _use_recovery(uow, account_id, code)


def _use_step(uow: UnitOfWork, found: SecondFactor, code: str) -> bool:
    totp = pyotp.TOTP(_cipher(uow).decrypt(found.secret).decode(), interval=STEP_SECONDS)
    now = int(uow.now.timestamp()) // STEP_SECONDS
    steps = [
        step
        for step in (now - 1, now, now + 1)
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.strip().encode())
    ]
    if not steps:
        return False
    # However many send it at once, the step goes forward once.
    used = update(SecondFactor).where(
        SecondFactor.account_id == found.account_id, SecondFactor.last_step < steps[0]
    )
    returned = used.values(last_step=steps[0]).returning(SecondFactor.account_id)
    return uow.session.scalars(returned).first() is not None


def _hash(account_id: UUID, code: str) -> bytes:
    return hashlib.sha256(account_id.bytes + code.encode("utf-8", "replace")).digest()


def _use_recovery(uow: UnitOfWork, account_id: UUID, code: str) -> bool:
    plain = code.strip().upper().replace("-", "")
    used = update(RecoveryCode).where(
        RecoveryCode.code_hash == _hash(account_id, plain), RecoveryCode.used_at.is_(None)
    )
    returned = used.values(used_at=uow.now).returning(RecoveryCode.account_id)
    return uow.session.scalars(returned).first() is not None


def remove(uow: UnitOfWork, account_id: UUID) -> None:
    """Forget an account's second factor: an invited person sets another one up."""
    uow.session.execute(delete(SecondFactor).where(SecondFactor.account_id == account_id))
    uow.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))


def with_one(uow: UnitOfWork, account_ids: list[UUID]) -> set[UUID]:
    """Return which of these accounts sign in with a second factor."""
    query = select(SecondFactor.account_id).where(
        SecondFactor.account_id.in_(account_ids), SecondFactor.confirmed_at.is_not(None)
    )
    return set(uow.session.scalars(query))
