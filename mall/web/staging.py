"""A staging mall says what it is: in a header of every reply, on every page, in its document."""

from typing import Any

from flask import Flask, Response

from mall.kernel.settings import STAGING_MARK

HEADER, VALUE = "X-Mall-Environment", "staging"
_BANNER = (
    '<div role="status" style="background:#b00;color:#fff;font:bold 16px sans-serif;padding:8px;'
    f'text-align:center">{STAGING_MARK}</div>'
)


def install(app: Flask) -> None:
    """Let every reply name the environment, and every page say it to whoever reads it."""

    @app.after_request
    def say(response: Response) -> Response:
        response.headers[HEADER] = VALUE
        if response.mimetype == "text/html" and not response.direct_passthrough:
            text = response.get_data(as_text=True)
            response.set_data(text.replace("<body>", f"<body>{_BANNER}", 1))
        return response


def say_in_document(spec: dict[str, Any]) -> None:
    """Say it in the title of the OpenAPI document."""
    spec["info"]["title"] += f" ({VALUE})"
    spec["info"]["description"] = f"**{STAGING_MARK}**\n\n{spec['info'].get('description', '')}"
