"""Images are sent in by members, suppliers and operators, and shown to everybody."""

from apiflask import APIBlueprint
from flask import Response

from catalog.media.images import MAX_BYTES, WEBP, store_image
from catalog.media.schemas import ImageReply
from mall.access.guard import public
from mall.access.rules import OPS, STORE, SUPPLIER
from mall.kernel.files.store import current_files
from mall.web.files import IMAGES, sent_file, takes_file
from mall.web.rooms import FILES, in_room

bp = APIBlueprint("media", __name__, tag="Store: shop window")


@bp.get("/media/<path:name>")
@in_room(FILES)
@public
@bp.doc(hide=True)
def read_image(name: str) -> Response:
    response = Response(current_files().get(f"images/{name}"), content_type=WEBP)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _blueprint(audience: str, tag: str) -> APIBlueprint:
    sent = APIBlueprint(
        f"images_{audience}", __name__, url_prefix=f"/v1/{audience}/images", tag=tag
    )

    @sent.post("")
    @takes_file(*IMAGES)
    @sent.output(ImageReply, 201)
    @sent.doc(summary="Upload an image: the file as the body; up to 10 MB and 40 megapixels")
    def upload_image() -> dict[str, str]:
        stored = store_image(current_files(), sent_file(MAX_BYTES))
        return {**vars(stored), "url": stored.large}

    return sent


BLUEPRINTS = [
    bp,
    _blueprint(STORE, "Store: orders"),
    _blueprint(SUPPLIER, "Supplier"),
    _blueprint(OPS, "Operations"),
]
