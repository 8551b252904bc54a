"""The search for every way to endless taps."""
