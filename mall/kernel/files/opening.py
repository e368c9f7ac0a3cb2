"""Open the areas of files that the settings name."""

from collections.abc import Mapping

from mall.kernel.files.local import LocalFiles
from mall.kernel.files.store import IMAGES, PRIVATE, FileStore, PrivateFiles, PublicFiles
from mall.kernel.loading import late
from mall.kernel.settings import Settings


def open_files(settings: Settings) -> tuple[PublicFiles, PrivateFiles]:
    """Return what anybody may see, and what only its owners may."""
    areas = open_areas(settings)
    public: Mapping[str, FileStore] = {IMAGES: areas.pop(IMAGES)}
    return PublicFiles(public), PrivateFiles(areas)


def open_areas(settings: Settings) -> dict[str, FileStore]:
    """Return what keeps the files of each area."""
    return {area: _area(settings, area) for area in (IMAGES, *PRIVATE)}


def _area(settings: Settings, area: str) -> FileStore:
    if not settings.s3.bucket:
        return LocalFiles(settings.media_dir / area)
    adapter = late("mall.kernel.files.s3")
    store: FileStore = adapter.S3Files(settings.s3, area)
    return store
