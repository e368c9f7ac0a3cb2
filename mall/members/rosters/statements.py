"""The set-based statements by which thousands of roster entries change at once."""

from sqlalchemy import text

from mall.kernel.together import inserting
from mall.members.rosters.models import RosterRow

_GIVEN = """
    jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        id uuid, position bigint, name text, phone text, employee_no text, department text,
        born_on date, is_new boolean)"""

ROWS = text(inserting(RosterRow, "rows"))

DEACTIVATE = text(
    """
    UPDATE roster_entry SET is_active = false
    WHERE roster_id = :roster_id AND is_active AND NOT (id = ANY(:kept_ids))
    """
)

CHANGE = text(
    f"""
    UPDATE roster_entry e SET position = r.position, name = r.name, phone = r.phone,
           employee_no = r.employee_no, department = r.department, born_on = r.born_on,
           is_active = true
    FROM {_GIVEN}
    WHERE NOT r.is_new AND e.id = r.id
      AND (e.position, e.name, e.phone, e.employee_no, e.department, e.born_on, e.is_active)
          IS DISTINCT FROM
          (r.position, r.name, r.phone, r.employee_no, r.department, r.born_on, true)
    """
)

ADD = text(
    f"""
    INSERT INTO roster_entry (id, roster_id, position, name, phone, employee_no, department,
                              born_on, is_active, created_at)
    SELECT r.id, :roster_id, r.position, r.name, r.phone, r.employee_no, r.department, r.born_on,
           true, :now
    FROM {_GIVEN} WHERE r.is_new
    """
)

LINK = text(
    """
    UPDATE roster_entry e SET member_id = m.id, claimed_at = :now
    FROM member m
    WHERE e.roster_id = :roster_id AND e.member_id IS NULL AND e.is_active
      AND m.phone = e.phone AND m.phone_verified_at IS NOT NULL AND m.is_active
      AND NOT EXISTS (SELECT 1 FROM roster_entry o
                      WHERE o.roster_id = e.roster_id AND o.member_id = m.id)
    """
)

JOIN = text(
    """
    INSERT INTO union_membership (union_id, member_id, joined_on)
    SELECT :union_id, e.member_id, CAST(:now AT TIME ZONE 'Asia/Shanghai' AS date)
    FROM roster_entry e
    WHERE e.roster_id = :roster_id AND e.is_active AND e.member_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM union_membership u
                      WHERE u.union_id = :union_id AND u.member_id = e.member_id)
    ON CONFLICT DO NOTHING
    """
)

# Whoever is listed twice in one roster claims the first of it.
CLAIM = text(
    """
    UPDATE roster_entry e SET member_id = :member_id, claimed_at = :now
    FROM (SELECT DISTINCT ON (c.roster_id) c.id FROM roster_entry c
          JOIN roster r ON r.id = c.roster_id
          WHERE c.id = ANY(:entry_ids) AND c.member_id IS NULL AND c.is_active
            AND NOT EXISTS (SELECT 1 FROM roster_entry o
                            WHERE o.roster_id = c.roster_id AND o.member_id = :member_id)
          ORDER BY c.roster_id, c.position) chosen
    WHERE e.id = chosen.id AND e.member_id IS NULL
    RETURNING e.id
    """
)

JOIN_CLAIMED = text(
    """
    INSERT INTO union_membership (union_id, member_id, joined_on)
    SELECT DISTINCT r.union_id, CAST(:member_id AS uuid),
           CAST(:now AT TIME ZONE 'Asia/Shanghai' AS date)
    FROM roster_entry e JOIN roster r ON r.id = e.roster_id
    WHERE e.id = ANY(:entry_ids)
    ON CONFLICT DO NOTHING
    """
)
