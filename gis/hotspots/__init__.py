"""Which cells: concentration, hot sets, evidence, membership, overlap and trends, over the cells of a domain."""
