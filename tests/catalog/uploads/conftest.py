"""A supplier's user who works with sheets."""

import pytest

from tests.support.database import select_rows
from tests.support.people import new_staff
from tests.support.shop import new_supplier
from tests.support.working import run_sweep


class Seller:
    """A supplier's user who works with sheets."""

    def __init__(self, world):
        self.world = world
        self.supplier_id = new_supplier(world)
        self.person = new_staff(world, "supplier", self.supplier_id)
        operator = new_staff(world, "operator")
        operator.post("/v1/ops/categories", {"path": ["饮食", "海味"]})

    def another(self):
        """Return a user of another supplier."""
        return Seller(self.world)

    def send(self, content, path="/v1/supplier/uploads?name=上新.xlsx"):
        headers = {"Authorization": f"Bearer {self.person.token}"}
        kind = "application/octet-stream"
        return self.person.client.post(path, data=content, headers=headers, content_type=kind)

    def work(self):
        sweeps = ("work_uploads", "work_large_uploads")
        return sum(run_sweep(self.world, sweep) for sweep in sweeps)

    def check(self, content):
        """Send a sheet and let a worker check it; return the upload."""
        made = self.send(content).get_json()
        self.work()
        return self.read(made["id"])

    def read(self, upload_id):
        return self.person.get(f"/v1/supplier/uploads/{upload_id}").get_json()

    def items(self, upload_id, query=""):
        path = f"/v1/supplier/uploads/{upload_id}/items?limit=100{query}"
        return self.person.get(path).get_json()["items"]

    def apply(self, upload_id, **body):
        return self.person.post(f"/v1/supplier/uploads/{upload_id}/apply", body)

    def take(self, content, **body):
        """Send, check and apply a sheet; return the upload."""
        upload = self.check(content)
        assert self.apply(upload["id"], **body).status_code == 202, upload
        self.work()
        return self.read(upload["id"])

    def report(self, upload_id):
        return self.person.get(f"/v1/supplier/uploads/{upload_id}/report")

    def products(self):
        return self.person.get("/v1/supplier/products?limit=100").get_json()["items"]

    def stock(self):
        rows = select_rows(
            self.world, "SELECT k.code, s.on_hand FROM stock_level s JOIN sku k ON k.id = s.sku_id"
        )
        return {row[0]: row[1] for row in rows}


@pytest.fixture
def seller(world):
    return Seller(world)
