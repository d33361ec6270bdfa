"""How much is tested: `make drills` sets DRILLS=all, and then the tests marked `drill` run too."""

import os

import pytest
from hypothesis import settings

# For `make quick`.
settings.register_profile("quick", max_examples=25)

ALL = os.environ.get("DRILLS") == "all"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the thinned drills of `make test` cover in another way."""
    left_out = [] if ALL else [item for item in items if "drill" in item.keywords]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if "drill" not in item.keywords]
