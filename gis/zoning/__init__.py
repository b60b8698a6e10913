"""Which units: classes of cells, their delineation, units and what is to be said of each, comparison of versions."""
