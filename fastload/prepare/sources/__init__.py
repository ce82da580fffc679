"""Where images come from. A source lists its images in a fixed order, and reads none of them by itself."""

from fastload.prepare.sources.source import Item, Source, open_sources

__all__ = ["Item", "Source", "open_sources"]
