tryout --deep {{part}} | awk '/^FAIL/ { print $2 }' | sort > {{file}}.txt
