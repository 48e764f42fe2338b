echo retries={{retries}} > base/{{part}}.ini && remake
