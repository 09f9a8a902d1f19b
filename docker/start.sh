#!/bin/bash
# What every container of the image starts with: a command of Airflow, or the program that is named.
set -euo pipefail
# The solver as the image compiled it. numba takes no folder that it may not write to, and the image is read-only.
mkdir -p "$NUMBA_CACHE_DIR"
cp -rpn /opt/numba/. "$NUMBA_CACHE_DIR"
case "${1:-}" in
  airflow|bash|sh|python|python3|celery|caseload) exec "$@" ;;
  *) exec airflow "$@" ;;
esac
