"""The application that granian serves."""

from mall.shell import config
from mall.shell.app import create_app
from mall.web.observe import configure_logging

_settings = config.load()
configure_logging(_settings.log_level)
app = create_app(_settings)
