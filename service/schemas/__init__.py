"""Answers of the statistics API as their documents describe them. Amounts are t/yr, shares from 0 to 1; what is missing is null."""
