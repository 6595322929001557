"""How many threads a model takes in a test: the answers are the same for any number."""

from __future__ import annotations

import os

# Where tests run side by side each keeps to a core; two models with two threads each would wait for one another.
THREADS = 1 if "PYTEST_XDIST_WORKER" in os.environ else None
