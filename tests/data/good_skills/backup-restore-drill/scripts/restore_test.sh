#!/usr/bin/env bash
# Restore ten random files from the latest snapshot and compare them with the live ones.
set -euo pipefail

count="${1:-10}"
work="$(mktemp -d)"
trap 'rm -rf -- "$work"' EXIT

restic ls latest --json \
  | jq -r 'select(.struct_type == "node" and .type == "file") | .path' \
  | shuf -n "$count" > "$work/list"

differs=0
while IFS= read -r path; do
  if restic dump latest "$path" | cmp -s - "$path"; then
    echo "same     $path"
  else
    echo "differs  $path"
    differs=$((differs + 1))
  fi
done < "$work/list"

echo "$differs of $count differ (a file changed since the backup differs rightly)"
