"""Where a scenario can happen: in the model, on the real kernel with a small container start of ours, on real engines."""
