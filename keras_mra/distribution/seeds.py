"""Seeds that differ from replica to replica."""

from typing import Any

# The fractional part of the golden ratio, times 2**32: its multiples spread any number
# of replicas evenly over the seeds.
SEED_STRIDE = 0x9E3779B9


def seed_offset(replica: Any) -> Any:
    """Returns what is added to the seed of the first replica.

    Args:
        replica: Int or integer tensor, the index of the replica. That of the first
            replica, 0, gives 0.
    """
    return replica * SEED_STRIDE % 2**31
