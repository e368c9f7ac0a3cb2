"""Files that nobody needs any more end, on a schedule."""

from flask import current_app

from mall.kernel.files import retention
from mall.kernel.files.store import current_private_files
from mall.kernel.settings import current_settings


def end_files() -> int:
    """Delete private files that are not in force and whose retention time is over. Every hour."""
    in_force = current_app.extensions["mall_files_in_force"]
    return retention.end_files(current_private_files(), in_force, current_settings())
