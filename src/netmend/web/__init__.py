"""The web page and its live data; it sees read models only."""
