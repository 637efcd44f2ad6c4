"""Tests that need packages which not everyone has installed."""

import importlib.util

import pytest


def skip_without(packages):
    """Skips the test if a package is missing. None is imported to find out."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package}, an optional requirement, is not installed.")
