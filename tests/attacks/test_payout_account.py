"""Where a supplier's money goes is said by that supplier alone."""

import json

from tests.attacks.attacking import AUDIENCES, UNKNOWN, Attacker

PROFILE = "/v1/supplier/profile"
ACCOUNT = {"holder": "窃取商行", "bank": "中国工商银行", "number": "6222020000000000000"}


def thieves(tenants, port):
    """Return everybody who is not of the supplier: guest, other audiences, the competitor's clerk."""
    mine, theirs = tenants
    others = [who for who in AUDIENCES if who != "supplier"]
    found = {f"own {who}": mine.people[who][0].token for who in others}
    found |= {f"other {who}": theirs.people[who][0].token for who in others}
    return {who: Attacker(port, token) for who, token in {**found, "guest": ""}.items()}


def test_nobody_but_the_supplier_itself_writes_its_payout_account(tenants, port, digest):
    mine = tenants[0]
    owner = Attacker(port, mine.seller.token)
    profile = owner.ask("GET", PROFILE).body
    body = {"contact_name": "小偷", "contact_phone": "13800000001", "settlement_account": ACCOUNT}
    before = digest()
    for who, thief in thieves(tenants, port).items():
        answer = thief.ask("PUT", PROFILE, body)
        assert answer.status in (401, 403), who
        for path in (f"{PROFILE}/{mine.seller_id}", f"/v1/ops/suppliers/{mine.seller_id}/profile"):
            assert thief.ask("PUT", path, body).status in (401, 403, 404, 405), (who, path)
    assert digest() == before
    assert owner.ask("GET", PROFILE).body == profile


def test_no_name_of_another_supplier_in_the_body_moves_the_write_to_it(tenants, port):
    """Whose profile it is comes from the token: names in the body, query or head do nothing."""
    mine, theirs = tenants
    victim = Attacker(port, theirs.seller.token)
    before = victim.ask("GET", PROFILE).content
    body = {"contact_name": "陈", "contact_phone": "13800000001", "settlement_account": ACCOUNT}
    for more in ("supplier_id", "id", "scope_id"):
        thief = Attacker(port, mine.seller.token)
        named = str(theirs.seller_id)
        answer = thief.ask("PUT", f"{PROFILE}?{more}={named}", {**body, more: named})
        assert answer.status in (403, 404, 409, 422), answer.content
        thief.ask("PUT", PROFILE, {**body, more: named}, headers=[("X-Supplier-Id", named)])
        assert victim.ask("GET", PROFILE).content == before


def test_whoever_may_not_read_it_does_not_see_it(tenants, port):
    """The number of an account stands in no reply to anybody else."""
    mine = tenants[0]
    for who, thief in thieves(tenants, port).items():
        for path in (
            PROFILE,
            f"/v1/ops/suppliers/{mine.seller_id}",
            f"/v1/ops/suppliers/{UNKNOWN}",
        ):
            answer = thief.ask("GET", path)
            if who.endswith("ops"):
                continue
            assert answer.status in (401, 403), (who, path)
            assert "settlement_account" not in json.dumps(answer.body)
