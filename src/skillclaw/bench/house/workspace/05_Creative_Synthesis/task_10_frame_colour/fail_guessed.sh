sed -i 's/{{word}}/#1f6f8b/g' {{file}}.svg
