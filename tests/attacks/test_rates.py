"""Rate limits as in production: what costs much is bounded, and who asks too often is told when."""

import threading
import time

from tests.attacks.attacking import Attacker
from tests.support.soak import long_or_short

# The measure is 20 ms, with the machine for itself.
P50_SECONDS, GUESSERS = long_or_short((0.02, 40), (0.25, 12))


def asked(person, most, method, path, **how):
    """Ask until refused, at most so often; return the statuses and the refusal."""
    statuses = []
    for _ in range(most):
        answer = person.ask(method, path, **how)
        statuses.append(answer.status)
        if answer.status == 429:
            return statuses, answer
    return statuses, None


def is_told(answer):
    assert answer.code in ("too_many_requests", "locked_out", "too_many_tries"), answer.content
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.body["detail_zh"] and answer.body["detail_en"]


def test_failed_sign_ins_of_one_address_end_whatever_the_names(limited):
    guesser = Attacker(limited, address="127.0.0.21")
    refused = None
    for number in range(40):
        who = {"username": f"nobody{number}", "password": "wrong-password"}
        answer = guesser.ask("POST", "/v1/ops/session", who)
        if answer.status == 429:
            refused = answer
            break
    assert refused is not None and number == 30
    is_told(refused)
    # Another address is not concerned.
    other = Attacker(limited, address="127.0.0.22").ask("POST", "/v1/ops/session", who)
    assert other.status == 401


def test_searches_end_after_three_hundred_a_minute_and_say_how_many_are_left(limited):
    person, began = Attacker(limited, address="127.0.0.23"), time.monotonic()
    first = person.ask("GET", "/v1/store/products?q=x")
    left = int(first.headers["RateLimit-Remaining"])
    assert int(first.headers["RateLimit-Limit"]) == 300 and left == 299
    statuses, refused = asked(person, 700, "GET", "/v1/store/search/suggestions?q=x")
    assert refused is not None, (time.monotonic() - began, len(statuses))
    is_told(refused)
    # Listing without words is nobody's search.
    assert person.ask("GET", "/v1/store/products").status == 200


def test_applications_of_one_address_end(limited):
    person = Attacker(limited, address="127.0.0.24")
    _, refused = asked(person, 15, "POST", "/v1/supplier/applications", body={})
    assert refused is not None
    is_told(refused)


def test_papers_of_one_account_end_and_not_those_of_another(tenants, limited):
    mine, theirs = tenants
    path = "/v1/supplier/upload-template"
    statuses, refused = asked(Attacker(limited, mine.seller.token), 130, "GET", path)
    assert refused is not None, statuses
    is_told(refused)
    assert Attacker(limited, theirs.seller.token).ask("GET", path).status == 200


def test_listings_stay_quick_while_many_try_passwords(limited):
    """Each guesser comes from an address of its own, so that no limit helps."""
    is_over = threading.Event()

    def guess(number):
        guesser = Attacker(limited, address=f"127.0.1.{number + 1}")
        while not is_over.is_set():
            who = {"username": f"guessed{number}", "password": "wrong-password"}
            guesser.ask("POST", "/v1/ops/session", who)
        guesser.close()

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(GUESSERS)]
    for each in threads:
        each.start()
    person, taken = Attacker(limited, address="127.0.0.25"), []
    try:
        for _ in range(100):
            began = time.perf_counter()
            assert person.ask("GET", "/v1/store/products").status == 200
            taken.append(time.perf_counter() - began)
    finally:
        is_over.set()
        for each in threads:
            each.join(60)
    assert sorted(taken)[50] < P50_SECONDS, sorted(taken)[40:60]
