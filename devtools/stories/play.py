"""Stories by name."""

from collections.abc import Callable, Mapping

from devtools.stories.beans import Cake, Customs
from devtools.stories.buying import Buying
from devtools.stories.catalog import Catalog
from devtools.stories.packs import Court, Maternity
from devtools.stories.refund import Refund
from devtools.stories.telling import StoryFailed, Telling

STORIES: dict[str, type[Telling]] = {
    "buying": Buying,
    "catalog": Catalog,
    "refund": Refund,
    "court": Court,
    "customs": Customs,
    "maternity": Maternity,
    "cake": Cake,
}
ALL = "all"
NAMES = (*STORIES, ALL)


def player(name: str, is_short: bool = False) -> Callable[[str, Mapping[str, str]], int]:
    """Return the function that plays a story, or every one."""
    chosen = STORIES.values() if name == ALL else [STORIES[name]]

    def play(base: str, environment: Mapping[str, str]) -> int:
        return max([_play(story, base, environment, is_short) for story in chosen])

    return play


def _play(story: type[Telling], base: str, environment: Mapping[str, str], is_short: bool) -> int:
    """Play one; return 0, or 1 after naming the step that failed."""
    telling = story(base, environment.get("WECHATPAY_API_BASE", ""), environment, is_short)
    try:
        for line, act in telling.steps():
            telling.tell(line, act)
    except StoryFailed as failed:
        print(f"story: {telling.told} steps, 1 failed: {failed}")
        return 1
    print(f"story: {telling.told} steps, 0 failed")
    return 0
