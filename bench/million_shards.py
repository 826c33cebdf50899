"""million_shards.py: how many shards with a descriptor table each it takes to hold very many connections."""
import math

PER_TABLE = 18_600              # of our own connections in one descriptor table
SEATS_PER_TABLE = 19_500        # of RLIMIT_NOFILE's 20,000, with what the kernel's spread takes


def shards_for(connections):
    """As many as it takes for n + 6 sqrt(n) seats of each to fit its table."""
    shards = max(2, math.ceil(connections / PER_TABLE))
    while connections / shards + 6 * math.sqrt(connections / shards) > SEATS_PER_TABLE:
        shards += 1
    return shards
