"""Where decisions are made: layers of regions, how they are made from the user's files, and what can be wrong with them."""
