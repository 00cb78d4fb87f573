"""s30: thirty papers, six layers each, and an engine that measures how far the layers agree."""

__version__ = "0.1.0"
