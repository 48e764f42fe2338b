sed -i 's/^retries=.*/retries={{retries}}/' conf/{{part}}.ini
cat conf/{{part}}.ini
