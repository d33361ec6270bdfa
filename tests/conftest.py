"""How much is tested: `make drills` sets DRILLS=all, and then the tests marked `drill` run too."""

import logging
import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from tests.stores import databases_go, postgres_stops

__all__ = ["databases_go", "postgres_stops"]

# No example has to be done in a time of its own: machines differ, and are busy.
settings.register_profile("whole", deadline=None)
settings.load_profile("whole")
# For `make quick`.
settings.register_profile("quick", deadline=None, max_examples=25)

# The folders whose tests start Earshot as a whole.
LONG = {"drills", "e2e"}

ALL = os.environ.get("DRILLS") == "all"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the thinned drills of `make test` cover in another way; what takes long comes first.

    A long test that a worker begins when the others have nothing left is waited for by all. No test asserts how long it
    takes, so a slow one may take as long as on a machine three times slower.
    """
    left_out = [] if ALL else [item for item in items if "drill" in item.keywords]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if "drill" not in item.keywords]
    slow = {item.path for item in items if "slow" in item.keywords}
    items.sort(key=lambda item: (item.path.parent.name not in LONG, item.path not in slow))
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(autouse=True)
def no_logs_left() -> Iterator[None]:
    """A command that was called in a test leaves a handler behind, whose stream is closed by then."""
    yield
    root = logging.getLogger()
    left = [handler for handler in root.handlers if type(handler) is logging.StreamHandler]
    for handler in left:
        root.removeHandler(handler)
    if left:
        structlog.reset_defaults()
