"""``python -m sigcli``."""

from .cli import main

main()
