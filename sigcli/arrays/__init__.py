"""From what people type to arrays, and back."""
