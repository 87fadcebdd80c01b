"""visavis: an engine for personalised marketing. Importing it is cheap; rooms load when used."""

__version__ = "0.1.0"
