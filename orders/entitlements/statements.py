"""The set-based statements by which thousands of entitlements change at once."""

from sqlalchemy import text

from mall.kernel.together import WriteFragment

LIST = text(
    """
    INSERT INTO entitlement (id, programme_id, entry_id, position, name, phone, employee_no,
                             department, member_id, amount_fen, due_on, state)
    SELECT r.id, :programme_id, r.entry_id, r.position, r.name, r.phone, r.employee_no,
           r.department, r.member_id, :amount_fen, r.due_on, 'listed'
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        id uuid, entry_id uuid, position bigint, name text, phone text, employee_no text,
        department text, member_id uuid, due_on date)
    """
)

_DUE = """t.programme_id = :programme_id AND t.state = 'listed' AND t.position > :after
      AND (t.due_on IS NULL OR t.due_on <= :today)"""

NEXT_CHUNK = text(
    f"""
    SELECT count(*) AS entitlements, coalesce(max(position), 0) AS up_to FROM (
        SELECT t.position FROM entitlement t WHERE {_DUE} ORDER BY t.position LIMIT :limit) d
    """
)

_CHUNK = f"{_DUE} AND t.position <= :up_to"
# Who claimed the roster entry since it was listed is served at once; who claims it now waits until
# the entitlement is there to be found.
_OWNER = """CASE WHEN t.member_id IS NOT NULL THEN t.member_id
             ELSE (SELECT e.member_id FROM roster_entry e WHERE e.id = t.entry_id FOR SHARE) END"""
_ISSUED = f"""state = CASE WHEN {_OWNER} IS NULL THEN 'waiting' ELSE 'open' END,
           member_id = {_OWNER}, issued_at = :issued_at"""

# What is listed is changed under the programme's lock only: nothing here waits for a row, and no
# join looks at the rows before. The lot bears the id of its entitlement.
ISSUE = f"""
    UPDATE entitlement t
    SET {_ISSUED}, lot_id = t.id, code = (CAST(:codes AS text[]))[t.position - :after]
    WHERE {_CHUNK}
    RETURNING t.id AS lot_id, coalesce(t.member_id, t.id) AS owner_id, t.amount_fen
"""

# For what goes to the unit nobody gets a lot.
ISSUE_WITHOUT_LOTS = text(
    f"UPDATE entitlement t SET {_ISSUED} WHERE {_CHUNK} RETURNING t.id, t.amount_fen"
)

# Only whoever finds it open may redeem it.
REDEEM = WriteFragment(
    "entitlement",
    """
    entitlement_redeemed AS (
        UPDATE entitlement SET state = 'redeemed', pack_id = CAST(:redeemed_pack_id AS uuid),
               order_id = CAST(:redeemed_order_id AS uuid), redeemed_at = :redeemed_when
        WHERE id = CAST(:redeemed_id AS uuid) AND state = ANY(CAST(:redeemable_states AS text[]))
        RETURNING 1
    )""",
    "(SELECT count(*) FROM entitlement_redeemed) = 1",
)

DIGEST = text(
    """
    SELECT encode(sha256(convert_to(coalesce(string_agg(
        position || '|' || name || '|' || coalesce(phone, '') || '|' || coalesce(employee_no, ''),
        E'\\n' ORDER BY position), ''), 'UTF8')), 'hex')
    FROM entitlement WHERE programme_id = :programme_id AND state <> 'withdrawn'
    """
)

FIGURES = text(
    """
    SELECT count(*) FILTER (WHERE state <> 'withdrawn') AS recipients,
           count(*) FILTER (WHERE state = 'listed') AS listed,
           count(*) FILTER (WHERE state = 'waiting') AS waiting,
           count(*) FILTER (WHERE state = 'open') AS open,
           count(*) FILTER (WHERE state = 'redeemed') AS redeemed,
           count(*) FILTER (WHERE state = 'ended') AS ended,
           count(*) FILTER (WHERE state = 'withdrawn') AS withdrawn,
           coalesce(sum(amount_fen) FILTER (WHERE state NOT IN ('listed', 'withdrawn')), 0)
               AS issued_fen
    FROM entitlement WHERE programme_id = :programme_id
    """
)

WITHDRAW_LISTED = text(
    """
    UPDATE entitlement SET state = 'withdrawn', ended_at = :now
    WHERE programme_id = :programme_id AND state = 'listed' RETURNING id
    """
)
