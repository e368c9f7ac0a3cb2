"""Searches are added up by day and words, many at once."""

from sqlalchemy import text

# Words are locked in their order: two processes that add the same ones never wait in a circle.
# New words are taken only while the day has room; the count may run over by one process's batch.
ADD_SEARCHES = text("""
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:words AS text[]), CAST(:searches AS bigint[]),
                             CAST(:without AS bigint[])) AS w(words, searches, without_hits)
    ), room AS (
        SELECT greatest(:most - count(*), 0) AS left FROM search_tally WHERE day = :day
    ), known AS (
        SELECT w.words, t.words IS NOT NULL AS is_known,
               row_number() OVER (PARTITION BY t.words IS NULL ORDER BY w.searches DESC, w.words) AS n
        FROM wanted w LEFT JOIN search_tally t ON t.day = :day AND t.words = w.words
    )
    INSERT INTO search_tally AS t (day, words, searches, without_hits)
    SELECT :day, w.words, w.searches, w.without_hits
    FROM wanted w JOIN known k USING (words), room
    WHERE k.is_known OR k.n <= room.left
    ORDER BY w.words
    ON CONFLICT (day, words) DO UPDATE
    SET searches = t.searches + excluded.searches,
        without_hits = t.without_hits + excluded.without_hits
    """)

FORGET_DAYS = text("DELETE FROM search_tally WHERE day < :day")
