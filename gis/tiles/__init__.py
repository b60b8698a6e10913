"""Arrays to tile bytes: planes and their coarser levels, tile matrices, pictures, vector tiles. No workspace, no web."""
