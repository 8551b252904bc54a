"""What may be read of a node, as plain values that become JSON: status, pages, metrics (docs/status.md)."""
