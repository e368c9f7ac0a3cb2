"""Send WeChat messages off the request."""

from collections.abc import Mapping
from datetime import timedelta

from flask import current_app
from sqlalchemy import select, update

from mall.kernel import clock
from mall.kernel.rows.sweeping import note_failure
from mall.kernel.uow import unit_of_work
from mall.members import queries as member_queries
from mall.notification import rules
from mall.notification.gateway import MessageGateway, Outcome
from mall.notification.models import WeChatMessage

RUN_SECONDS = 20
LEASE = timedelta(seconds=60)
BATCH = 100


def send_wechat_messages() -> int:
    """Send what is due, for a while; return how many were tried. Run every 3 seconds.

    A message may go out twice where a worker dies between sending and noting it, never zero times;
    one that WeChat refuses is not tried again.
    """
    gateway: MessageGateway = current_app.extensions["mall_message_gateway"]
    templates = current_app.extensions["mall_settings"].wechat.templates
    tried = 0
    for _ in clock.within(RUN_SECONDS, range(1000)):
        claimed = _claim()
        if not claimed:
            break
        done = [
            (message, _send(gateway, templates, message, openid))
            for message, openid in clock.within(RUN_SECONDS, claimed)
        ]
        _note(done)
        tried += len(done)
    return tried


def _send(
    gateway: MessageGateway, templates: Mapping[str, str], message: WeChatMessage, openid: str
) -> Outcome:
    """Send one; of which nothing can be made, none of the others waits for."""
    try:
        return gateway.send(openid, templates[message.kind], message.data, rules.PAGE)
    except Exception as error:
        note_failure("send_wechat_messages", message.id, error)
        return Outcome(rules.FAILED, "it cannot be made a message")


def _claim() -> list[tuple[WeChatMessage, str]]:
    with unit_of_work() as uow:
        rows = uow.session.scalars(
            select(WeChatMessage)
            .where(WeChatMessage.state == rules.PENDING, WeChatMessage.due_at <= uow.now)
            .order_by(WeChatMessage.due_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            row.due_at = uow.now + LEASE
        uow.session.flush()
        openids = member_queries.openids_of(uow.session, [row.member_id for row in rows])
        for row in rows:
            if row.member_id not in openids:
                row.state, row.reason = rules.FAILED, "no openid"
        uow.session.flush()
        uow.session.expunge_all()
    return [(row, openids[row.member_id]) for row in rows if row.member_id in openids]


def _note(done: list[tuple[WeChatMessage, Outcome]]) -> None:
    with unit_of_work() as uow:
        for message, outcome in done:
            attempts = message.attempts + 1
            state = outcome.state
            if state == rules.PENDING and attempts >= rules.MAX_ATTEMPTS:
                state = rules.FAILED
            uow.session.execute(
                update(WeChatMessage)
                .where(WeChatMessage.id == message.id)
                .values(
                    state=state,
                    attempts=attempts,
                    reason=outcome.reason or None,
                    due_at=uow.now + rules.retry_after(attempts),
                    sent_at=uow.now if state == rules.SENT else None,
                )
            )
