for room in cellar attic annex garage; do stock list --room $room --all; done | tr ',' ';' > {{file}}.csv
