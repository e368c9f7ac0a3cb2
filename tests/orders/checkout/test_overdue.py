"""Orders whose time to pay is over are given once each, however many fit a page."""

from datetime import timedelta
from itertools import islice

import pytest

from mall.kernel import clock
from orders.checkout import jobs as checkout_jobs
from tests.support.people import new_member, order_body
from tests.support.shop import new_sku


@pytest.mark.parametrize("page", [1, 2, 3, 4])
def test_each_overdue_order_is_given_once_by_pages(world, monkeypatch, page):
    monkeypatch.setattr(checkout_jobs, "PAGE", page)
    placed = set()
    for _ in range(3):
        member = new_member(world)
        body = order_body([new_sku(world, 1000, 5)[1]], "wechat", 1000)
        reply = member.post("/v1/store/orders", body)
        assert reply.status_code == 201, reply.get_json()
        placed.add(reply.get_json()["order_id"])
    clock.shift(timedelta(hours=1))
    with world.app.app_context():
        found = [str(order_id) for order_id in islice(checkout_jobs._overdue(), 9)]
    assert len(found) == 3 and set(found) == placed
