"""The application that granian serves, as its RSGI calls it."""

import os
import sys

from mall.shell import memory
from mall.shell.app import DOCUMENTS
from mall.shell.background.pulse import Pulse
from mall.shell.serving.internal import Address
from mall.shell.serving.proxies import Proxies
from mall.shell.serving.rsgi import Adapter, Bounds
from mall.shell.wsgi import app as application

# The event loop needs the interpreter twice for each request: it need not wait 5 ms for it where
# a thread computes for long.
sys.setswitchinterval(0.001)
memory.give_back_from_time_to_time()
memory.settle()
app = Adapter(
    application,
    Bounds(
        threads=int(os.environ.get("MALL_WEB_THREADS", "4")),
        proxies=Proxies(application.extensions["mall_settings"].trusted_proxies),
    ),
)
# A web process lives while it answers, and says of itself elsewhere than where clients ask.
_address = Address(
    os.environ.get("MALL_INTERNAL_HOST", ""), int(os.environ.get("MALL_WEB_INTERNAL_PORT", "0"))
)
Pulse(is_steady=True).listener(application, _address, DOCUMENTS).start()
