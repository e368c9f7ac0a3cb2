"""Is the process alive, and can it serve? (docs/adr/0040)"""

from typing import Any

from apiflask import APIBlueprint
from apiflask.fields import Dict, String
from flask import current_app

from mall.access.guard import public
from mall.kernel.db import current_pool
from mall.kernel.settings import current_settings
from mall.shell.checks import readiness
from mall.shell.checks.readiness import Report
from mall.web.fields import Schema

bp = APIBlueprint("health", __name__, tag="Health")


class HealthReply(Schema):
    status = String(metadata={"example": "ok"})


class ReadyReply(HealthReply):
    environment = String(metadata={"example": "production"})
    checks = Dict(metadata={"example": {"database": "ok", "schema": "ok"}})
    warnings = Dict(metadata={"example": {"workers": "nobody serves bulk"}})


def ready() -> Report:
    """Return whether this process can serve, and what else is not as it should be."""
    checks = readiness.look(current_pool())
    return Report(checks, current_app.extensions["mall_surroundings"].warnings())


@bp.get("/livez")
@public
@bp.output(HealthReply)
@bp.doc(summary="The process answers")
def livez() -> dict[str, str]:
    return {"status": "ok"}


@bp.get("/healthz")
@public
@bp.output(HealthReply)
@bp.doc(summary="The process answers; an older name of /livez")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@bp.get("/readyz")
@public
@bp.output(ReadyReply)
@bp.doc(
    summary="This process can serve: the database answers, with a schema it knows",
    description="What else is not well stands under `warnings`, and is no reason to leave.",
    responses={503: "It cannot serve; the checks say why"},
)
def readyz() -> Any:
    report = ready()
    return report.body(current_settings().env), report.status
