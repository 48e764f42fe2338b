n=$(stock list --all --room={{room}} | grep -c .)
echo "Items: $n" > {{file}}.txt
