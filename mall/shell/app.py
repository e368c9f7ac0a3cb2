"""Build the application from settings."""

import warnings
from pathlib import Path
from typing import Any

import flask_swagger_ui
from apiflask import APIFlask
from flask import Flask, Request, Response, redirect, request, send_from_directory
from flask.sessions import SessionInterface
from werkzeug.exceptions import NotFound

import fulfillment.wiring
import orders.wiring
import search_index.wiring
from mall.access import guard
from mall.access.gateway import LoginGateway
from mall.access.queries import Standings
from mall.access.wechat.login import WeChatLogin
from mall.approvals.service import values
from mall.kernel import outbox
from mall.kernel import queue as rq_queues
from mall.kernel.db import CONNECT_OPTIONS, AutocommitPool, db
from mall.kernel.files.opening import open_files
from mall.kernel.settings import Settings
from mall.notification.gateway import MessageGateway
from mall.notification.wechat import WeChatMessages
from mall.shell import wiring
from mall.shell import witness as watching
from mall.shell.background.relay import Doorbell
from mall.shell.checks import looks
from mall.shell.serving.internal import IS_INTERNAL
from mall.web import bounds, observe, openapi, problems, quotas, staging
from mall.web.rooms import FILES, in_room

MAX_BODY_BYTES = 4 * 1024 * 1024
DOCS_FILES = Path(str(flask_swagger_ui.__file__)).parent / "dist"

DESCRIPTION = """
Welfare mall of a trade-union federation. Amounts are integers in fen (1/100 yuan); one bean is
one yuan. Errors are RFC 9457 problem documents with a stable `code`. POSTs that create or move
value take an `Idempotency-Key`. Sign in at `/v1/<audience>/session` and send the token as
`Authorization: Bearer …`.
"""


class _NoSession(SessionInterface):
    """Tokens, not cookies: nothing is signed, read or set."""

    def open_session(self, app: Flask, _request: Request) -> None:
        return None


# A reply that stands both by itself and in a list: `openapi.finish` merges the two descriptions.
warnings.filterwarnings("ignore", ".*has already been added to the spec", UserWarning)


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_size": settings.database_pool,
            "max_overflow": 2,
            "pool_timeout": 10,
            # A connection that broke while nobody used it costs nobody an error; what cannot
            # afford the question goes through AutocommitPool, which asks again by itself.
            "pool_pre_ping": True,
            # What is stored never stands in an error's text, and so in no log.
            "hide_parameters": True,
            "connect_args": {"options": CONNECT_OPTIONS, "connect_timeout": 5},
        },
        "SECRET_KEY": settings.secret_key,
        "DEBUG": settings.debug,
        "PROPAGATE_EXCEPTIONS": False,
        "MAX_CONTENT_LENGTH": MAX_BODY_BYTES,
        "DESCRIPTION": DESCRIPTION,
        "OPENAPI_VERSION": "3.1.0",
        # Never what a request says of itself: the document is made once, for everybody.
        "SERVERS": [{"url": settings.public_url or "/", "description": "This mall"}],
        "SWAGGER_UI_CSS": "/docs/assets/swagger-ui.css",
        "SWAGGER_UI_BUNDLE_JS": "/docs/assets/swagger-ui-bundle.js",
        "SWAGGER_UI_STANDALONE_PRESET_JS": "/docs/assets/swagger-ui-standalone-preset.js",
        "DOCS_FAVICON": "/docs/assets/favicon-32x32.png",
        "AUTO_404_RESPONSE": False,
        "SECURITY_SCHEMES": {"bearer": {"type": "http", "scheme": "bearer"}},
    }


def create_app(settings: Settings) -> APIFlask:
    """Return the application; nothing outside is contacted until the first request."""
    app = APIFlask(
        "mall", title="橙意湛赏 mall", version="0.1.0", docs_path="/docs", static_folder=None
    )
    app.config.update(_configuration(settings))
    app.session_interface = _NoSession()
    app.json.ensure_ascii = False
    app.security = [{"bearer": []}]
    app.extensions["mall_settings"] = settings
    _connect(app, settings)
    observe.install(app, settings.metrics_token, settings.is_development)
    bounds.install(app)
    guard.install(app)
    watching.install(app)
    wiring.plug_in(app)
    problems.install(app)
    app.error_processor(problems.on_http_error)
    _serve_docs_files(app, settings.public_docs)
    for endpoint in ("openapi.spec", "openapi.docs", "openapi.swagger_ui_oauth_redirect"):
        app.view_functions[endpoint] = in_room(FILES)(guard.public(app.view_functions[endpoint]))
    quotas.install(app, app.extensions["mall_quick_redis"], settings.rate_limits)
    app.spec_processor(lambda spec: _document(app, spec))
    if settings.is_staging:
        staging.install(app)
    return app


def _document(app: APIFlask, spec: dict[str, Any]) -> dict[str, Any]:
    finished = openapi.finish(app, spec)
    if app.extensions["mall_settings"].is_staging:
        staging.say_in_document(finished)
    return finished


def _connect(app: APIFlask, settings: Settings) -> None:
    """Give the application its database, Valkey, gateways and files; nothing is contacted yet."""
    db.init_app(app)
    app.extensions["mall_pool"] = AutocommitPool(settings.database_url)
    connection = rq_queues.connect(settings.redis_url)
    app.extensions["mall_redis"] = connection
    quick = rq_queues.connect_quick(settings.redis_url)
    app.extensions["mall_quick_redis"] = quick
    login: LoginGateway = WeChatLogin(settings.wechat, quick)
    app.extensions["mall_login_gateway"] = login
    messages: MessageGateway = WeChatMessages(settings.wechat, quick)
    app.extensions["mall_message_gateway"] = messages
    app.extensions["mall_tracking_gateway"] = fulfillment.wiring.tracking(settings.kuaidi100)
    app.extensions["mall_merchants"] = orders.wiring.merchants(settings.wechat)
    app.extensions["mall_standings"] = Standings(wiring.STANDINGS)
    values.install(wiring.VALUES)
    app.extensions["mall_books"] = wiring.BOOKS
    app.extensions["mall_files_in_force"] = wiring.FILES_IN_FORCE
    app.extensions["mall_searcher"] = search_index.wiring.searcher(app, settings.index_dir)
    public, private = open_files(settings)
    app.extensions["mall_public_files"], app.extensions["mall_private_files"] = public, private
    outbox.set_doorbell(Doorbell(connection).ring)
    surroundings = looks.around(app, settings)
    app.extensions["mall_surroundings"] = surroundings
    app.extensions["mall_collectors"] = [surroundings]


DOCUMENTS = ("/docs", "/openapi.json")


def _serve_docs_files(app: APIFlask, is_public: bool) -> None:
    @app.before_request
    def hide() -> None:
        is_document = request.path == "/" or request.path.startswith(DOCUMENTS)
        if is_document and not is_public and not request.environ.get(IS_INTERNAL):
            raise NotFound()

    @app.get("/docs/assets/<path:name>")
    @in_room(FILES)
    @guard.public
    @app.doc(hide=True)
    def docs_file(name: str) -> Response:
        return send_from_directory(DOCS_FILES, name)

    @app.get("/")
    @guard.public
    @app.doc(hide=True)
    def home() -> Response:
        return redirect("/docs")  # type: ignore[return-value]
