"""From the option a person writes to the mount(2) calls a runtime makes. One file an engine; the words are its own."""
