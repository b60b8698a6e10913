"""Seeded generator of synthetic inventories: the demo province, and the national input of the benchmarks."""
