"""The set-based statements by which thousands of rights change at once."""

from sqlalchemy import text

from mall.kernel.together import Share

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

# Who claimed the roster entry since it was listed is served at once.
TAKE = text(
    """
    SELECT t.id, coalesce(t.member_id, e.member_id) AS member_id, t.amount_fen
    FROM entitlement t JOIN roster_entry e ON e.id = t.entry_id
    WHERE t.programme_id = :programme_id AND t.state = 'listed'
      AND (t.due_on IS NULL OR t.due_on <= :today)
    ORDER BY t.due_on NULLS FIRST, t.id
    LIMIT :limit
    FOR UPDATE OF t SKIP LOCKED
    """
)

MARK_ISSUED = text(
    """
    UPDATE entitlement t SET state = CASE WHEN g.member_id IS NULL THEN 'waiting' ELSE 'open' END,
           member_id = g.member_id, lot_id = g.lot_id, code = g.code, issued_at = :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:member_ids AS uuid[]), CAST(:lot_ids AS uuid[]),
                CAST(:codes AS text[])) AS g(id, member_id, lot_id, code)
    WHERE t.id = g.id
    """
)

# Only whoever finds it open may redeem it.
REDEEM = Share(
    "entitlement",
    """
    right_redeemed AS (
        UPDATE entitlement SET state = 'redeemed', pack_id = CAST(:right_pack_id AS uuid),
               order_id = CAST(:right_order_id AS uuid), redeemed_at = :right_at
        WHERE id = CAST(:right_id AS uuid) AND state = ANY(CAST(:right_states AS text[]))
        RETURNING 1
    )""",
    "(SELECT count(*) FROM right_redeemed) = 1",
)

DIGEST = text(
    """
    SELECT encode(sha256(convert_to(coalesce(string_agg(
        position || '|' || name || '|' || coalesce(phone, '') || '|' || coalesce(employee_no, ''),
        E'\\n' ORDER BY position), ''), 'UTF8')), 'hex')
    FROM entitlement WHERE programme_id = :programme_id AND state <> 'withdrawn'
    """
)

# What each person would have had of its union in a year, with this programme.
OVER_LIMIT = text(
    """
    SELECT count(*) FROM (
        SELECT coalesce(t.phone, t.name || t.employee_no) AS person
        FROM entitlement t WHERE t.programme_id = :programme_id) mine
    JOIN (
        SELECT coalesce(o.phone, o.name || o.employee_no) AS person, sum(o.amount_fen) AS had_fen
        FROM entitlement o JOIN programme p ON p.id = o.programme_id
        WHERE p.union_id = :union_id AND extract(year FROM p.opens_on) = :year
          AND (p.state NOT IN ('draft', 'rejected', 'withdrawn') OR p.id = :programme_id)
          AND o.state <> 'withdrawn'
        GROUP BY 1) had USING (person)
    WHERE had.had_fen > :limit_fen
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
