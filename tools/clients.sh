#!/bin/sh
# The node and browser clients that tests/sdk drives, at the versions of its package-lock.json.
cd "$(dirname "$0")/../tests/sdk" || exit 1
if ! command -v npm >/dev/null 2>&1; then
    echo "No npm: tests of node and browser clients will be skipped (Debian: apt-get install nodejs npm chromium)." >&2
    exit 0
fi
npm ci --loglevel=error >&2 && exit 0
[ "$VISAVIS_CLIENTS" = required ] && exit 1
echo "npm ci failed in tests/sdk: tests of node and browser clients will be skipped." >&2
