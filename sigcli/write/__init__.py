"""Results for programs, and onto disk."""
