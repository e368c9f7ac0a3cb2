"""A request key, the hash of its body, and the answer it got (docs/adr/0006)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, delete, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from mall.kernel.db import Base
from mall.kernel.errors import DomainError


class IdempotencyKeyReused(DomainError):
    code = "idempotency_key_reused"
    status = 422
    zh = "该幂等键已用于另一份内容不同的请求，请换一个新的键。"
    en = "This Idempotency-Key was used with another body; take a new key."


class IdempotencyInProgress(DomainError):
    code = "idempotency_in_progress"
    zh = "同一请求正在处理，请稍后用同一个键重试。"
    en = "The same request is still running; retry shortly with the same key."


class IdempotencyKeyMissing(DomainError):
    code = "idempotency_key_missing"
    status = 400
    zh = "该请求必须携带 Idempotency-Key 请求头（1 至 128 个可见字符）。"
    en = "This request needs an Idempotency-Key header of 1 to 128 visible characters."


class IdempotencyRecord(Base):
    """The answer that a caller's key got at one endpoint."""

    __tablename__ = "idempotency_record"
    __table_args__ = (Index("ix_idempotency_record_expires_at", "expires_at"),)

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


# The lock is taken and the record read in one round trip. The record may have been committed
# between the statement's snapshot and the lock: then `remember` meets the primary key and the
# whole transaction is undone, so one effect remains in every interleaving.
_CLAIM = text(
    """
    SELECT pg_try_advisory_xact_lock(:lock_number) AS is_ours,
           r.body_hash, r.http_status, r.body, r.expires_at
    FROM (SELECT 1) AS one
    LEFT JOIN idempotency_record r
      ON r.caller = :caller AND r.endpoint = :endpoint AND r.key = :key
    """
)

_REMEMBER = text(
    """
    INSERT INTO idempotency_record
        (caller, endpoint, key, body_hash, http_status, body, expires_at)
    VALUES (:caller, :endpoint, :key, :body_hash, :http_status, :body, :expires_at)
    """
)


def claim(session: Session, claim: Claim, now: datetime) -> Answer | None:
    """Take the key for this transaction, or return the answer it already got.

    Raises IdempotencyInProgress while another transaction holds it and IdempotencyKeyReused
    when it came with another body.
    """
    row = session.execute(
        _CLAIM,
        {
            "lock_number": claim.lock_number,
            "caller": claim.caller,
            "endpoint": claim.endpoint,
            "key": claim.key,
        },
    ).one()
    if row.body_hash is not None and row.expires_at > now:
        if bytes(row.body_hash) != claim.body_hash:
            raise IdempotencyKeyReused("Idempotency-Key")
        return Answer(row.http_status, row.body)
    if not row.is_ours:
        raise IdempotencyInProgress("Idempotency-Key")
    if row.body_hash is not None:
        session.execute(
            delete(IdempotencyRecord).where(
                IdempotencyRecord.caller == claim.caller,
                IdempotencyRecord.endpoint == claim.endpoint,
                IdempotencyRecord.key == claim.key,
            )
        )
    return None


def remember(
    session: Session, claim: Claim, answer: Answer, now: datetime, ttl_seconds: int
) -> None:
    """Store the answer with the effect it tells of."""
    values: dict[str, Any] = {
        "caller": claim.caller,
        "endpoint": claim.endpoint,
        "key": claim.key,
        "body_hash": claim.body_hash,
        "http_status": answer.http_status,
        "body": answer.body,
        "expires_at": now + timedelta(seconds=ttl_seconds),
    }
    session.execute(_REMEMBER, values)


def forget_expired(session: Session, now: datetime, limit: int = 10_000) -> int:
    """Delete answers past their time, at most `limit` of them, and return how many."""
    result = session.execute(
        text(
            "DELETE FROM idempotency_record WHERE ctid = ANY(ARRAY("
            "SELECT ctid FROM idempotency_record WHERE expires_at < :now LIMIT :limit))"
        ),
        {"now": now, "limit": limit},
    )
    return int(getattr(result, "rowcount", 0))
