#!/bin/sh
# Makes configure and what it needs from configure.ac; run once in a clone.
set -e
cd "$(dirname "$0")"
exec autoreconf --force --install -Wall
