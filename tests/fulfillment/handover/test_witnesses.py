"""Whoever vouched for what came or was paid does not accept it, nor file what they accepted."""

import secrets

import pytest

from tests.support.people import new_staff
from tests.support.unit import Unit

PHONE = "13812340001"


@pytest.fixture
def unit(union):
    return Unit(union)


@pytest.fixture
def twins(world, union):
    """Accounts of one person: two handle, one audits."""
    duties = {"handles": "handles", "accepts": "handles", "audits": "audits"}
    return {
        name: new_staff(world, "union_officer", union.id, [duty], phone=PHONE)
        for name, duty in duties.items()
    }


def receive(unit, handler, shipment_id, **more):
    body = {"shipment_id": shipment_id, **more}
    reply = handler.post(f"{unit.path}/receipts", body)
    assert reply.status_code == 201, reply.get_json()
    return reply.get_json()["case_ids"]


def record_receipt(unit, twins, shipment_id):
    receive(unit, twins["handles"], shipment_id)


def give_up_a_claim(unit, twins, shipment_id):
    [line] = unit.lines
    counted = {"line_id": line["id"], "received": line["quantity"] - 1, "damaged": 1}
    [case] = receive(unit, unit.union.handler, shipment_id, lines=[counted])
    path = f"{unit.path}/claims/{case}/withdraw"
    assert twins["handles"].post(path).status_code == 200


def record_transfer(unit, twins, shipment_id):
    receive(unit, unit.union.handler, shipment_id)
    body = {"amount_fen": 100, "bank_reference": secrets.token_hex(8), "payer": "工会"}
    # It was funded in full: what is too much is a transfer all the same.
    reply = twins["handles"].post(f"{unit.path}/transfers", body)
    assert reply.status_code == 201, reply.get_json()
    ops = f"/v1/ops/programmes/{unit.id}/transfers/{reply.get_json()['id']}/reject"
    assert unit.union.operator.post(ops).status_code == 200


def confirm_transfer(unit, twins, shipment_id):
    receive(unit, unit.union.handler, shipment_id)
    body = {"amount_fen": 100, "bank_reference": secrets.token_hex(8), "payer": "工会"}
    row = unit.union.handler.post(f"{unit.path}/transfers", body).get_json()
    # An operator who is an officer of the union, too.
    operator = new_staff(unit.world, "operator", phone=PHONE)
    ops = f"/v1/ops/programmes/{unit.id}/transfers/{row['id']}/reject"
    assert operator.post(ops).status_code == 200


@pytest.mark.parametrize(
    "vouch", [record_receipt, give_up_a_claim, record_transfer, confirm_transfer]
)
def test_whoever_vouched_for_what_is_accepted_does_not_accept_it(union, unit, twins, vouch):
    vouch(unit, twins, unit.send())
    unit.close()
    for duty in ("handles", "accepts"):
        reply = twins[duty].post(f"{unit.path}/accept", {})
        assert (reply.status_code, reply.get_json()["code"]) == (409, "same_person"), duty
    assert union.read(unit.id)["state"] == "closed"
    assert union.auditor.post(f"{unit.path}/accept", {}).get_json()["code"] == "duty_missing"
    assert unit.accept().status_code == 200


def test_whoever_accepted_does_not_file(union, unit, twins, audited):
    unit.receive(unit.send())
    unit.close()
    assert twins["accepts"].post(f"{unit.path}/accept", {}).status_code == 200
    refused = twins["audits"].post(f"{unit.path}/archive", {})
    assert refused.get_json()["code"] == "same_person"
    assert union.read(unit.id)["state"] == "accepted"
    assert union.auditor.post(f"{unit.path}/archive", {}).status_code == 200
    audited()
