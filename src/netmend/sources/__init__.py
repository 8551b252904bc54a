"""The sources of intent: each gives whole, validated intents, or every problem that prevents one."""
