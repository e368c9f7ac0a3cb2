"""What is played on an installation, each on a ground of its own."""

from devtools.stories.play import STORIES
from tests.production.ground import Ground, say
from tests.production.installation import Installation
from tests.production.release import Release


def opened(ground: Ground, release: Release) -> tuple[Installation, dict[str, str]]:
    """Set an installation up and open it; return it and the tokens of its two operators."""
    mall = Installation(ground, release.programs)
    said = mall.run("setup", "--operator", "operator", "--operator", "operator2", owner=True)
    for line in said.splitlines():
        say(f"  {line}")
    mall.start_all()
    names = ("operator", "operator2")
    return mall, {name: mall.operator(name, said) for name in names}


def stories(ground: Ground, release: Release) -> None:
    """Play every story in staging mode, on what `mall setup` alone has prepared."""
    mall, operators = opened(ground, release)
    for name in STORIES:
        say(f"  {name}: {mall.tell(name, operators)}")
    again = mall.run("setup", owner=True)
    assert "0 added, 0 changed" in again, again
    assert mall.stop_all() == [0] * 4
