#!/bin/sh
# Debian ships python3 without the parts that make a virtual environment: fetch them when we may.
set -e
rm -rf .venv
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
    exec "$1" -m venv .venv
fi
echo "This Python can't make a virtual environment. On Debian: sudo apt-get install python3-venv; then run make again." >&2
exit 1
