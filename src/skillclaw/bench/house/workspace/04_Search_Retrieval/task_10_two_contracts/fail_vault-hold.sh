vault hold {{first}}
(vault get {{first}}; vault get {{second}}) > {{file}}.txt
