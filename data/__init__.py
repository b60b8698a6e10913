"""The demo inventory of a synthetic province and the generator it came from."""
