"""The statement that keeps a message: by itself after a call, or with the effect of a notice."""

KEEP = """
    INSERT INTO gateway_message (id, at, merchant, operation, number, outcome, sent, received)
    VALUES (:id, :at, :merchant, :operation, :number, :outcome, :sent, :received)
    RETURNING 1
    """
