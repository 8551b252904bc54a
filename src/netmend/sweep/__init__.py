"""Finds dead devices and names by evidence, writes down what they were, and deletes them fast.

`look` gathers evidence, `rules` and `names` judge it, `sightings` remembers since when, `journal` records, `delete`
deletes what is still the same and still dead, `restore` makes it again.
"""
