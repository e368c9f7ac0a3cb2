"""The application that granian serves."""

import gc

from mall.shell import config
from mall.shell.app import create_app
from mall.web.observe import configure_logging

_settings = config.load()
configure_logging(_settings.log_level)
app = create_app(_settings)
# Dictionary and index are loaded before the first request, and never in one.
app.extensions["mall_searcher"].start()
# What was loaded stays for good: the collector need not look at it again, and a request's own
# objects are freed as their counts fall.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)
