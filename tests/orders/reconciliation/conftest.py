"""Everything here holds for both versions of the pay API."""

import pytest


@pytest.fixture(autouse=True)
def _each_version(each_version):
    pass
