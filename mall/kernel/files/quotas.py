"""How much is kept for whom: what a supplier, a union, a member or an operator stored (docs/adr/0027).

What is charged is a row for each file and owner; what it comes to is one row for each owner, which
one conditional statement raises. Two at the same instant never get more than is allowed together.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from mall.kernel.db import Base
from mall.kernel.errors import DomainError
from mall.kernel.invariants import Invariant
from mall.kernel.settings import current_settings
from mall.kernel.uow import UnitOfWork

SUPPLIER, UNION, MEMBER, OPERATOR = "supplier", "union", "member", "operator"
# Who signs in to an audience owns what is stored there.
OWNERS: Mapping[str, str] = MappingProxyType(
    {"supplier": SUPPLIER, "union": UNION, "store": MEMBER, "ops": OPERATOR}
)
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Owner:
    """For whom a file is kept."""

    kind: str
    id: UUID


class StoredFile(Base):
    """A file that is kept for an owner; an image that two sent is kept once and charged to both."""

    __tablename__ = "stored_file"

    key: Mapped[str] = mapped_column(primary_key=True)
    owner_kind: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    size_bytes: Mapped[int]
    created_at: Mapped[datetime]


class StorageUse(Base):
    """What the files of an owner come to."""

    __tablename__ = "storage_use"

    owner_kind: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    files: Mapped[int]
    bytes: Mapped[int]


class StorageFull(DomainError):
    code = "storage_full"


INVARIANTS = [
    Invariant(
        "storage_adds_up",
        "what an owner stored is what its files come to",
        "SELECT owner_kind, owner_id FROM storage_use u FULL JOIN ("
        " SELECT owner_kind, owner_id, count(*) AS files, sum(size_bytes) AS bytes"
        " FROM stored_file GROUP BY 1, 2) f USING (owner_kind, owner_id)"
        " WHERE (coalesce(u.files, 0), coalesce(u.bytes, 0))"
        " <> (coalesce(f.files, 0), coalesce(f.bytes, 0))",
    ),
]
_CHARGE = text(
    """
    WITH kept AS (
        INSERT INTO stored_file (key, owner_kind, owner_id, size_bytes, created_at)
        VALUES (:key, :kind, :owner, :size, :now)
        ON CONFLICT DO NOTHING RETURNING size_bytes
    ), used AS (
        INSERT INTO storage_use AS u (owner_kind, owner_id, files, bytes)
        SELECT :kind, :owner, 1, size_bytes FROM kept WHERE size_bytes <= :most_bytes
        ON CONFLICT (owner_kind, owner_id) DO UPDATE
        SET files = u.files + 1, bytes = u.bytes + excluded.bytes
        WHERE u.files < :most_files AND u.bytes + excluded.bytes <= :most_bytes
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM kept) = (SELECT count(*) FROM used) AS fits
    """
)
_GIVE_BACK = text(
    """
    WITH gone AS (
        DELETE FROM stored_file WHERE key = ANY(:keys) RETURNING owner_kind, owner_id, size_bytes
    ), sums AS (
        SELECT owner_kind, owner_id, count(*) AS files, sum(size_bytes) AS bytes
        FROM gone GROUP BY 1, 2
    )
    UPDATE storage_use u SET files = u.files - s.files, bytes = u.bytes - s.bytes
    FROM sums s WHERE u.owner_kind = s.owner_kind AND u.owner_id = s.owner_id
    """
)


def charge(uow: UnitOfWork, owner: Owner, key: str, size_bytes: int) -> None:
    """Charge a file to an owner before it is kept; charging it again changes nothing.

    Raises StorageFull, after which nothing of this transaction may be kept.
    """
    files, megabytes = current_settings().storage[owner.kind]
    values = {
        "key": key,
        "kind": owner.kind,
        "owner": owner.id,
        "size": size_bytes,
        "now": uow.now,
        "most_files": files,
        "most_bytes": megabytes * _MEGABYTE,
    }
    if uow.session.execute(_CHARGE, values).scalar_one():
        return
    used = _use(uow.session, owner)
    raise StorageFull(
        "body",
        used_files=used.files if used else 0,
        used_mb=-(-used.bytes // _MEGABYTE) if used else 0,
        allowed_files=files,
        allowed_mb=megabytes,
    )


def _use(session: Session, owner: Owner) -> Row[tuple[int, int]] | None:
    query = text("SELECT files, bytes FROM storage_use WHERE owner_kind = :kind AND owner_id = :id")
    return session.execute(query, {"kind": owner.kind, "id": owner.id}).one_or_none()


def give_back(session: Session, keys: Collection[str]) -> None:
    """Give the room of files that were removed back to whoever they were kept for."""
    if keys:
        session.execute(_GIVE_BACK, {"keys": list(keys)})
