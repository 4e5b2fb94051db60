"""What all tests share: the contract with the MLIR bindings is tested before everything that relies on it."""

import pytest

FIRST = "test_bindings.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name != FIRST)
