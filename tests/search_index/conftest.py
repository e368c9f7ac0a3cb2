"""An index of this test's own products."""

import shutil

import pytest

from mall.kernel.uow import reading
from mall.web.replies import shop_window
from search_index import indexing
from tests.support.people import Person
from tests.support.working import run_outbox, run_sweep


class Shop:
    """A shop window with an index, and what members find in it."""

    def __init__(self, world):
        self.world = world
        world.has_index = True
        self.app = world.app
        self.searcher = world.app.extensions["mall_searcher"]
        self.engine = self.searcher.engine

    def build(self):
        """Build the index whole and use it."""
        with self.app.app_context(), reading() as session:
            indexing.rebuild(session, self.engine, lambda _: None)
        self.look()

    def look(self):
        """Count stock and sales, and use what was committed to the index."""
        run_sweep(self.world, "count_availability")
        run_sweep(self.world, "count_sales")
        self.searcher.renew()
        self.searcher.renew_figures()
        shop_window.clear()

    def follow(self):
        """Let a worker answer what was announced, and use what it committed."""
        run_outbox(self.world)
        self.look()

    def verify(self, repairs=True):
        with self.app.app_context(), reading() as session:
            return indexing.verify(session, self.engine, repairs=repairs)

    def ask(self, person=None, **query):
        person = person or Person(self.app)
        headers = {"Authorization": f"Bearer {person.token}"} if person.token else {}
        return person.client.get("/v1/store/products", query_string=query, headers=headers)

    def find(self, text="", person=None, **query):
        """Return the titles that a query finds, in order."""
        reply = self.ask(person, q=text, **query)
        assert reply.status_code == 200, reply.get_json()
        return [item["title"] for item in reply.get_json()["items"]]

    def suggest(self, text):
        reply = Person(self.app).client.get(
            "/v1/store/search/suggestions", query_string={"q": text}
        )
        return reply.get_json()["items"]


@pytest.fixture
def shop(world):
    """A shop window whose index is empty of whatever was there before."""
    found = Shop(world)
    shutil.rmtree(found.engine.root, ignore_errors=True)
    found.searcher.renew()
    yield found
    shutil.rmtree(found.engine.root, ignore_errors=True)
    found.searcher.renew()
