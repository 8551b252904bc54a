"""Finds dead devices and names by evidence, writes down what they were, and deletes them fast.

`look` gathers evidence into a `scene`; `judge`, `rules`, `hybrid`, `switch` and `names` judge it; `sightings` remembers
since when a thing has been dead; `journal` records it; `delete`, by `ports` for Open vSwitch, deletes what is still the
same and still dead; `restore` makes it again.
"""
