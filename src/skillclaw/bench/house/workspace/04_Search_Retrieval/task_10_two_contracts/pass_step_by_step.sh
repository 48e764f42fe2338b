vault hold {{first}}; vault hold {{second}}
vault get {{first}} > {{file}}.txt
vault get {{second}} >> {{file}}.txt
