"""Values and readers that every room may import; they import nothing of netmend's."""
