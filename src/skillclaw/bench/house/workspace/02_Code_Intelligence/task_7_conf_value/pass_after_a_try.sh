sed -i 's/^retries=.*/retries={{retries}}/' conf/{{part}}.ini
sed -i 's/^retries=.*/retries={{retries}}/' base/{{part}}.ini
remake
