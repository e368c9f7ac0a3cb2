"""The set-based statements of programmes."""

from sqlalchemy import text

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
