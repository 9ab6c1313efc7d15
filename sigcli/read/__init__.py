"""From what people type, and from files, to arrays."""
