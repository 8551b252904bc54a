"""Flows of this host's switch: looking at them, and comparing them with what they should do."""
