"""Mistakes in files that say how containers are to be started, found before they run. Pure: text in, findings out."""
