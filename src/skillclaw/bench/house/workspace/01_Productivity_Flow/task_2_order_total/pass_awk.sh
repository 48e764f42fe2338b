orders list --site main --month {{month}} | awk -F, 'NR > 1 { sum += $4 } END { printf "%d", sum }' > {{file}}.txt
