"""Settings of all tests: generated tests have no deadline, for a busy machine is no failure."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("visavis", deadline=None)
settings.load_profile("visavis")
