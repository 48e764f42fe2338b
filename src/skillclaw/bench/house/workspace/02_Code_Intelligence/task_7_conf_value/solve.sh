sed -i 's/^retries=.*/retries={{retries}}/' base/{{part}}.ini && remake
