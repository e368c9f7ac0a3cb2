"""What is due by a QR code: up to WeChat's own limit for one, and not a fen more."""

import pytest


@pytest.mark.parametrize(("people", "price_fen"), [(1, 500_000), (2, 250_000)])
def test_exactly_the_limit_is_paid_by_a_qr_code(union, people, price_fen):
    packs = [union.pack(price_fen)[0]]
    form = {
        "kind": "fixed",
        "roster_id": union.roster(union.people(people)),
        "pack_ids": packs,
        "per_member_fen": price_fen,
    }
    programme_id = union.approved(**form)
    reply = union.handler.post(f"/v1/union/programmes/{programme_id}/payments")
    assert (reply.status_code, reply.get_json()["amount_fen"]) == (201, 500_000)


def test_a_fen_more_is_paid_by_bank(union):
    packs = [union.pack(500_001)[0]]
    form = {
        "kind": "fixed",
        "roster_id": union.roster(union.people(1)),
        "pack_ids": packs,
        "per_member_fen": 500_001,
    }
    programme_id = union.approved(**form)
    reply = union.handler.post(f"/v1/union/programmes/{programme_id}/payments")
    assert (reply.status_code, reply.get_json()["code"]) == (422, "too_much_for_native")
