#!/bin/sh
# Installs Chromium for the tests of `solve ui` where this is possible. Without it those tests are skipped.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    timeout 300 sh -c 'apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium' >/dev/null 2>&1 ||
        echo "Chromium cannot be installed: the tests of the pages in a browser are skipped" >&2
fi
