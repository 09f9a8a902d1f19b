"""``python -m allocation`` is ``caseload``."""

from allocation.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
