"""Engines: who calls a function of many files, this process or a Ray cluster."""

from keras_mra.engines.ahead import ahead
from keras_mra.engines.check_engine import check_engine
from keras_mra.engines.check_shared import check_shared
from keras_mra.engines.chunked import chunked
from keras_mra.engines.map_on_ray import map_on_ray
from keras_mra.engines.progress_bar import progress_bar
from keras_mra.engines.ray_cluster import ray_cluster

__all__ = [
    "ahead",
    "check_engine",
    "check_shared",
    "chunked",
    "map_on_ray",
    "progress_bar",
    "ray_cluster",
]
