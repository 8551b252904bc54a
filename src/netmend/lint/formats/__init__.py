"""The formats in which containers are declared, one a file: what is recognised, and the containers in it."""
