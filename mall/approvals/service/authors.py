"""Who touched what, and the one function that decides whether somebody may decide about it."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from mall.access import queries as access_queries
from mall.access import rules as access_rules
from mall.access.models import StaffAccount
from mall.access.rules import Actor, Principal, SamePerson
from mall.approvals.models import Author, AuthorSource, Decision
from mall.approvals.rules import Signer, Subject
from mall.kernel.errors import DomainError
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork


def signer(uow: UnitOfWork, principal: Principal) -> Signer:
    """Return who is asking, as the person."""
    return signed(uow, principal.subject_id, principal.name, principal.display_name)


def signed(uow: UnitOfWork, account_id: UUID, name: str, display_name: str) -> Signer:
    """Return an account as the person it belongs to."""
    return Signer(access_queries.actor(uow.session, account_id), name, display_name)


def touch(uow: UnitOfWork, what: Subject, by: Signer) -> None:
    """Write down that somebody made or changed an object."""
    _write(uow, [_row(uow, what, by)])


def _row(uow: UnitOfWork, what: Subject, by: Signer) -> dict[str, Any]:
    actor = by.actor
    return {
        "subject_kind": what.kind,
        "subject_id": what.id,
        "name": by.name,
        "id": new_id(),
        "account_id": actor.account_id if actor else None,
        "member_id": actor.member_id if actor else None,
        "phone": actor.phone if actor else None,
        "display_name": by.display_name,
        "touched_at": uow.now,
        "touches": 1,
        "settled": 0,
    }


def _write(uow: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    # Sorted: two that write the same authors meet them in one order.
    query = insert(Author).values(sorted(rows, key=lambda row: row["name"]))
    new = query.excluded
    # Who the person is follows the newest touch: an account may get its phone later.
    changed = {
        "touches": Author.touches + 1,
        "touched_at": new.touched_at,
        "member_id": new.member_id,
        "phone": new.phone,
    }
    keys = ["subject_kind", "subject_id", "name"]
    uow.session.execute(query.on_conflict_do_update(index_elements=keys, set_=changed))


def _among(subjects: Iterable[Subject]) -> Any:
    return or_(
        *(and_(Author.subject_kind == each.kind, Author.subject_id == each.id) for each in subjects)
    )


def inherit_authors(uow: UnitOfWork, what: Subject, parts: Sequence[Subject]) -> None:
    """Make the authors of an object's content, since it was last approved, authors of the object.

    Called when the object is submitted, after its content was read: a later change is not in what was
    submitted, and counts for the next time.
    """
    uow.session.execute(
        delete(AuthorSource).where(
            AuthorSource.subject_kind == what.kind, AuthorSource.subject_id == what.id
        )
    )
    query = select(Author).where(_among(parts), Author.touches > Author.settled)
    found = list(uow.session.scalars(query.execution_options(populate_existing=True)))
    sources = [
        {
            "subject_kind": what.kind,
            "subject_id": what.id,
            "part_kind": each.subject_kind,
            "part_id": each.subject_id,
            "name": each.name,
            "touches": each.touches,
        }
        for each in found
    ]
    if sources:
        uow.session.execute(insert(AuthorSource).values(sources))
    people = {each.name: _row(uow, what, _signer_of(each)) for each in found}
    _write(uow, list(people.values()))


def _signer_of(row: Author) -> Signer:
    actor = _actor(row) if row.account_id else None
    return Signer(actor, row.name, row.display_name)


def _actor(row: Author) -> Actor:
    assert row.account_id is not None
    return Actor(row.account_id, row.member_id, row.phone)


def mark_approved(uow: UnitOfWork, what: Subject) -> None:
    """Mark the changes that the object took in as approved."""
    source = AuthorSource
    uow.session.execute(
        update(Author)
        .where(
            Author.subject_kind == source.part_kind,
            Author.subject_id == source.part_id,
            Author.name == source.name,
            source.subject_kind == what.kind,
            source.subject_id == what.id,
            # Up to what was taken in: a touch since then waits for the next approval.
            Author.settled < source.touches,
        )
        .values(settled=source.touches)
        .execution_options(synchronize_session=False)
    )


def copy_authors(uow: UnitOfWork, source: Subject, what: Subject) -> None:
    """Make whoever touched a source, such as a sheet, an author of what was made from it."""
    rows = uow.session.scalars(select(Author).where(_among([source])))
    _write(uow, [_row(uow, what, _signer_of(each)) for each in rows])


def mark_content_approved(uow: UnitOfWork, part: Subject) -> None:
    """Mark all changes of an object as approved; the caller has locked it."""
    uow.session.execute(
        update(Author)
        .where(Author.subject_kind == part.kind, Author.subject_id == part.id)
        .values(settled=Author.touches)
        .execution_options(synchronize_session=False)
    )


def decide(
    uow: UnitOfWork,
    what: Subject,
    by: Signer,
    parts: Sequence[Subject] = (),
    refusal: type[DomainError] = SamePerson,
) -> None:
    """Let somebody decide about an object, and keep who it was.

    Raises `refusal` where it is one of its authors, or one of those who touched one of these parts
    since they were last approved: the same account, member or phone, as it was then or is now.
    Raises PersonUnconfirmed where the setting asks that everybody has proved who they are.
    """
    open_parts = and_(_among(parts), Author.touches > Author.settled) if parts else None
    of_whole = _among([what])
    query = select(Author).where(of_whole if open_parts is None else or_(of_whole, open_parts))
    rows = list(uow.session.scalars(query.execution_options(populate_existing=True)))
    # Both: whoever changes the phone number in between is still the same person.
    then, now = _people(uow, rows)
    if by.actor is not None:
        try:
            access_rules.check_other_person(by.actor, [*then, *now])
        except SamePerson as error:
            raise refusal() from error
        if uow.settings.persons_confirmed:
            access_rules.check_confirmed([by.actor, *now])
    row = _row(uow, what, by)
    for name in ("touched_at", "touches", "settled"):
        del row[name]
    uow.session.add(Decision(decided_at=uow.now, **row))
    uow.session.flush()


def _people(uow: UnitOfWork, rows: Sequence[Author]) -> tuple[list[Actor], list[Actor]]:
    """Return authors as they were when they touched it, and as their accounts are today."""
    then = [_actor(row) for row in rows if row.account_id]
    ids = {row.account_id for row in rows if row.account_id}
    accounts_now = uow.session.scalars(select(StaffAccount).where(StaffAccount.id.in_(ids)))
    return then, [access_queries.person_of(each) for each in accounts_now]
