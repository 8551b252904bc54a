"""Where intent comes from: each source yields whole, validated intents, or every problem that stands in the way."""
