vault hold {{first}}; vault hold {{second}}
(vault get {{second}}; vault get {{first}}) > {{file}}.txt
