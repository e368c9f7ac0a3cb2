"""A request key, the hash of its body, and the answer it got (docs/adr/0006)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from mall.kernel.db import Base, delete_some
from mall.kernel.errors import DomainError
from mall.kernel.together import DeferredWrite, Read, Rows, WriteFragment


class IdempotencyKeyReused(DomainError):
    code = "idempotency_key_reused"


class IdempotencyInProgress(DomainError):
    code = "idempotency_in_progress"


class IdempotencyKeyMissing(DomainError):
    code = "idempotency_key_missing"


class IdempotencyRecord(Base):
    """The answer that a caller's key got at one endpoint."""

    __tablename__ = "idempotency_record"
    __table_args__ = (
        Index("ix_idempotency_record_expires_at", "expires_at", postgresql_using="brin"),
    )

    caller: Mapped[str] = mapped_column(primary_key=True)
    endpoint: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes]
    http_status: Mapped[int]
    body: Mapped[str]
    expires_at: Mapped[datetime]


@dataclass(frozen=True)
class Claim:
    """Who asks, where, with which key and body."""

    caller: str
    endpoint: str
    key: str
    body_hash: bytes

    @property
    def lock_number(self) -> int:
        """Return the signed 64-bit number that stands for this key among advisory locks."""
        name = f"{self.caller}\x00{self.endpoint}\x00{self.key}".encode()
        return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big", signed=True)


@dataclass(frozen=True)
class Answer:
    """What was answered: HTTP status and the exact JSON text."""

    http_status: int
    body: str


_KNOWN = """
    SELECT encode(body_hash, 'hex') AS body_hash, http_status, body, expires_at
    FROM idempotency_record
    WHERE caller = :claim_caller AND endpoint = :claim_endpoint AND key = :claim_key
    """

# The lock belongs to the transaction of the effect. An answer past its time makes room for the
# next one under the same key; one that another transaction stored meanwhile does not, and then
# the effect is undone with everything else: one effect remains in every interleaving.
_REMEMBER = WriteFragment(
    "idempotency",
    """
    remembered AS (
        INSERT INTO idempotency_record
            (caller, endpoint, key, body_hash, http_status, body, expires_at)
        SELECT :claim_caller, :claim_endpoint, :claim_key, :claim_hash,
               CAST(:answer_status AS bigint), :answer_body,
               CAST(:answer_expires_at AS timestamptz)
        WHERE pg_try_advisory_xact_lock(CAST(:claim_lock AS bigint))
        ON CONFLICT (caller, endpoint, key) DO UPDATE
            SET body_hash = excluded.body_hash, http_status = excluded.http_status,
                body = excluded.body, expires_at = excluded.expires_at
            WHERE idempotency_record.expires_at <= CAST(:answer_now AS timestamptz)
        RETURNING 1)
    """,
    "(SELECT count(*) FROM remembered) = 1",
)


def _names(claim: Claim) -> dict[str, Any]:
    return {
        "claim_caller": claim.caller,
        "claim_endpoint": claim.endpoint,
        "claim_key": claim.key,
    }


def reading(claim: Claim, now: datetime) -> Read:
    """Return the read of the answer that this key got, if any.

    Building it raises IdempotencyKeyReused when it came with another body.
    """

    def build(rows: Rows) -> Answer | None:
        if not rows or datetime.fromisoformat(rows[0]["expires_at"]) <= now:
            return None
        if bytes.fromhex(rows[0]["body_hash"]) != claim.body_hash:
            raise IdempotencyKeyReused("Idempotency-Key")
        return Answer(rows[0]["http_status"], rows[0]["body"])

    return Read(_KNOWN, _names(claim), build)


def lock(session: Session, claim: Claim) -> None:
    """Take the key for this transaction; raise IdempotencyInProgress if another has it."""
    statement = text("SELECT pg_try_advisory_xact_lock(:lock_number)")
    if not session.scalar(statement, {"lock_number": claim.lock_number}):
        raise IdempotencyInProgress("Idempotency-Key")


def remembering(claim: Claim, answer: Answer, now: datetime, ttl_seconds: int) -> DeferredWrite:
    """Return the write that stores an answer with the effect it tells of.

    Whoever runs with this key already is met before anything waits for a row: it raises
    IdempotencyInProgress.
    """
    values = {
        **_names(claim),
        "claim_hash": claim.body_hash,
        "claim_lock": str(claim.lock_number),
        "answer_status": str(answer.http_status),
        "answer_body": answer.body,
        "answer_expires_at": now + timedelta(seconds=ttl_seconds),
        "answer_now": now,
    }
    refusal = IdempotencyInProgress("Idempotency-Key")
    return DeferredWrite(_REMEMBER, values, refusal, is_first=True)


def forget_expired(session: Session, now: datetime) -> int:
    """Delete answers past their time, a bounded number at once, and return how many."""
    return delete_some(session, "idempotency_record", "expires_at < :now", {"now": now})
