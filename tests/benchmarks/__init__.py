"""How fast and how exact sigcli is beside its peers: ``python -m tests.benchmarks``."""
