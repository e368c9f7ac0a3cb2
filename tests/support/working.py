"""What workers and the scheduler do, and several things at once."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from mall.kernel.outbox import OutboxDelivery
from mall.kernel.uow import unit_of_work
from mall.shell import wiring
from mall.shell.background import relay
from mall.web.idempotency import Claim


def lock_number(person, endpoint, key):
    """Return the advisory lock of a person's Idempotency-Key."""
    return Claim(f"store:{person.id}", endpoint, key, b"").lock_number


def in_another_thread(act):
    """Do something in another thread, as another request would, and return its result."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result(60)


def run_outbox(world):
    """Run every delivery that is not done, as a worker would; return how many were."""
    with world.app.app_context(), unit_of_work() as uow:
        rows = select(OutboxDelivery.id).where(OutboxDelivery.state == "pending")
        ids = [str(each) for each in uow.session.scalars(rows)]
    with world.app.app_context():
        return relay.deliver(ids)


def run_sweep(world, name):
    """Run a sweep by the name of its function."""
    [function] = [sweep for sweep, *_ in wiring.SWEEPS if sweep.__name__ == name]
    with world.app.app_context():
        return function()
