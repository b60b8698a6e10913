"""Features: published results as collections that are filtered, paged and encoded; no HTTP in here."""
