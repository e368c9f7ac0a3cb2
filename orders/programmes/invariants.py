"""What must always be true of programmes and their history, and what a changed row speaks of."""

from mall.kernel.invariants import Each, Invariant, Subject, Trace
from orders.programmes.queries import STEP_HASH

SUBJECTS = [Subject("programme", "uuid", "programme", "id")]
TRACES = [
    Trace("programme", "programme", "SELECT id FROM changed"),
    Trace("programme", "programme_event", "SELECT programme_id FROM changed"),
]
INVARIANTS = [
    Invariant(
        "history_unbroken",
        "every step of a programme is signed over what it says and over the step before",
        Each(
            "programme",
            f"""
            SELECT e.programme_id, e.number FROM (
                SELECT e.*, lag(e.hash) OVER of_programme AS before,
                       row_number() OVER of_programme AS position
                FROM programme_event e WHERE among(e.programme_id)
                WINDOW of_programme AS (PARTITION BY e.programme_id ORDER BY e.number)) e
            WHERE e.number <> e.position
               OR e.previous_hash <> coalesce(e.before, repeat('0', 64))
               OR e.hash <> {STEP_HASH}
            """,
        ),
    ),
    Invariant(
        "history_whole",
        "a programme's last step is the one that it names, in the state that it is in",
        Each(
            "programme",
            """
            SELECT p.number, p.event_count, p.last_hash, p.state FROM programme p
            LEFT JOIN programme_event e ON e.programme_id = p.id AND e.number = p.event_count
            WHERE among(p.id) AND (
                  e.hash IS DISTINCT FROM p.last_hash OR e.state IS DISTINCT FROM p.state
               OR e.content_hash IS DISTINCT FROM coalesce(p.content_hash, '')
               OR (SELECT count(*) FROM programme_event x WHERE x.programme_id = p.id)
                  <> p.event_count)
            """,
        ),
    ),
]
