"""What every room may stand on: values and readers that belong to no room and import nothing of ours."""
