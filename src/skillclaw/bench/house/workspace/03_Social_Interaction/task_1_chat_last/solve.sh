chat read hs-{{channel}} | tail -1 > {{file}}.txt
cat {{file}}.txt
