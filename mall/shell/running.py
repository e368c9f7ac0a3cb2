"""What a service that runs from this folder has written down about itself.

`make run` writes `var/run.json`; commands in the same folder read it, so that nobody has to name
the database twice.
"""

import json
import os
from pathlib import Path
from typing import Any

VAR = Path("var")
RUN_FILE = "run.json"


def _state(var: Path) -> dict[str, Any]:
    """Return what was written down, or nothing if its process is gone."""
    try:
        state: dict[str, Any] = json.loads((var / RUN_FILE).read_text(encoding="utf-8"))
        os.kill(state["pid"], 0)
    except (OSError, ValueError, KeyError):
        return {}
    return state


def environment_of_running(var: Path = VAR) -> dict[str, str]:
    """Return the settings of the service that runs from this folder; empty if none does."""
    return dict(_state(var).get("environment", {}))


def base_of_running(var: Path = VAR) -> str:
    """Return the address of the service that runs from this folder; empty if none does."""
    return str(_state(var).get("base", ""))
