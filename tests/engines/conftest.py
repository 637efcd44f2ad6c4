"""A Ray cluster of two nodes on this machine."""

import os
import sys

import pytest


@pytest.fixture(scope="module")
def cluster():
    """Two nodes with one CPU each, to which this process is connected."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        # The workers import the package and the helpers that the tests import.
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        patch.delenv("RAY_ADDRESS", raising=False)
        small = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
        found = Cluster(
            initialize_head=True, head_node_args={**small, "include_dashboard": False}
        )
        try:
            found.add_node(**small)
            ray.init(found.address, log_to_driver=False)
            yield found
        finally:
            ray.shutdown()
            found.shutdown()
