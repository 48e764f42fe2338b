#!/usr/bin/env bash
# Copy a folder to a new release on a host and switch the symlink.
# Usage: deploy.sh [--dry-run] USER@HOST SOURCE_DIR
set -euo pipefail

dry=()
if [[ "${1:-}" == "--dry-run" ]]; then
  dry=(--dry-run --itemize-changes)
  shift
fi
host="${1:?user@host}"
src="${2:?source folder}"
base="/srv/site"
release="$(date -u +%Y%m%d-%H%M)"

rsync -az "${dry[@]}" \
  --exclude '.env' --exclude '.git' \
  --link-dest="${base}/current/" \
  "${src%/}/" "${host}:${base}/releases/${release}/"

if [[ ${#dry[@]} -gt 0 ]]; then
  echo "dry run only, nothing switched"
  exit 0
fi

ssh "$host" "cd ${base} && ln -sfn releases/${release} current.new && mv -T current.new current"
echo "live: ${release}"
