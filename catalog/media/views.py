"""Images are sent in by members, suppliers and operators, and shown to everybody."""

from collections.abc import Callable

from apiflask import APIBlueprint
from flask import Response

from catalog.media.process import WEBP, store_image
from catalog.media.rules import MAX_BYTES
from catalog.media.schemas import ImageReply
from mall.access.guard import current, needs_no_duty, public
from mall.access.rules import OPS, STORE
from mall.kernel.files.quotas import OWNERS, Owner
from mall.kernel.files.store import current_public_files
from mall.web.files import IMAGES, sent_file, takes_file
from mall.web.rooms import FILES, in_room

bp = APIBlueprint("media", __name__, tag="Store: shop window")


@bp.get("/media/<path:name>")
@in_room(FILES)
@public
@bp.doc(hide=True)
def read_image(name: str) -> Response:
    response = Response(current_public_files().get(name), content_type=WEBP)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _anybody() -> None:
    """Refuse nobody of an audience."""


def image_blueprint(audience: str, tag: str, check: Callable[[], None] = _anybody) -> APIBlueprint:
    """Return the upload of images of an audience; `check` refuses, before anything is read."""
    sent = APIBlueprint(
        f"images_{audience}", __name__, url_prefix=f"/v1/{audience}/images", tag=tag
    )

    @sent.post("")
    @needs_no_duty("shows nothing to anybody until something names it")
    @takes_file(*IMAGES)
    @sent.output(ImageReply, 201)
    @sent.doc(summary="Upload an image: the file as the body; up to 10 MB and 40 megapixels")
    def upload_image() -> dict[str, str]:
        check()
        who = current()
        owner = Owner(OWNERS[audience], who.scope_id or who.subject_id)
        stored = store_image(current_public_files(), sent_file(MAX_BYTES), owner)
        return {**vars(stored), "url": stored.large}

    return sent


BLUEPRINTS = [
    bp,
    image_blueprint(STORE, "Store: orders"),
    image_blueprint(OPS, "Operations"),
]
