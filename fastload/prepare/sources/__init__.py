"""Where images come from. A source lists its images in a fixed order, and reads none of them by itself."""

from fastload.prepare.sources.folder import FolderSource
from fastload.prepare.sources.source import Item, Source, open_sources

__all__ = ["FolderSource", "Item", "Source", "open_sources"]
