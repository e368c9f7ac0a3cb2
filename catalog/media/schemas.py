"""Images on the wire."""

from apiflask.fields import String

from mall.web.fields import Schema

_IMAGE = "/media/3f/3fa4c1-"


class ImageReply(Schema):
    url = String(
        metadata={"description": "For `image_urls`: the large one", "example": f"{_IMAGE}1280.webp"}
    )
    small = String(metadata={"description": "240 pixels", "example": f"{_IMAGE}240.webp"})
    medium = String(metadata={"description": "640 pixels", "example": f"{_IMAGE}640.webp"})
    large = String(metadata={"description": "1280 pixels", "example": f"{_IMAGE}1280.webp"})
