"""Where a scenario can happen: in the model, on the real kernel with a small engine of ours, on real engines."""
