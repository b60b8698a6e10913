"""Answers: what routes have the pool work out, from the library to the model that is sent."""
