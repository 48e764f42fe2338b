#!/usr/bin/env bash
# List merge commits since a tag (default: the latest reachable tag).
set -euo pipefail
tag="${1:-$(git describe --tags --abbrev=0)}"
git log --merges --first-parent --pretty='- %s (%h, %an)' "${tag}..HEAD"
