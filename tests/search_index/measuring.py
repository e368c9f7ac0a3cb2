"""Print how well the unseen shops are searched: `python -m tests.search_index.measuring [held_out]`."""

import sys
from collections import defaultdict

from tests.search_index import machine, quality, unseen


def measured(name: str, shows: bool) -> dict[str, float]:
    """Return the figures of a shop, and show what failed if it may be looked at."""
    taken = unseen.shop(name)
    products = list(taken.products.values())
    found: dict[str, float] = {}
    with unseen.finding(products) as find:
        gains, hits, zero = [], 0, 0
        for each in taken.judgements:
            titles = find(each.query)
            gain = quality.ndcg(each, titles)
            gains.append(gain)
            hits += any(each.grades.get(title, 0) for title in titles)
            zero += not titles
            if shows and gain < 0.9:
                print(f"{gain:.2f} {each.query}: {[title[:16] for title in titles[:5]]}")
        count = len(gains)
        found |= {"ndcg@10": sum(gains) / count, "hit@10": hits / count, "zero": zero / count}
        asked = unseen.unanswerable(name == "held_out")
        wrong = [(query, find(query)) for query in asked]
        if shows:
            print("\n".join(f"answered {q}: {t[:2]}" for q, t in wrong if t))
        found["unanswerable without hits"] = sum(not titles for _, titles in wrong) / len(asked)
        places = defaultdict(list)
        for variant in machine.variants(taken.names):
            is_found = not variant.titles.isdisjoint(find(variant.query))
            places[variant.kind].append(is_found)
            places["variants"].append(is_found)
            if shows and not is_found:
                print(
                    f"variant {variant.kind} {variant.query} ({variant.origin}): {find(variant.query)[:2]}"
                )
        for kind, answers in places.items():
            found[f"{kind} ({len(answers)})"] = sum(answers) / len(answers)
    return found


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else "seen"
    for figure, value in measured(chosen, shows=chosen == "seen" and "-q" not in sys.argv).items():
        print(f"{figure:32} {value:.3f}")
