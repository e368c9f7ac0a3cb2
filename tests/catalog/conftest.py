"""What tests of several catalog features share."""

from tests.catalog.uploads.conftest import seller

__all__ = ["seller"]
