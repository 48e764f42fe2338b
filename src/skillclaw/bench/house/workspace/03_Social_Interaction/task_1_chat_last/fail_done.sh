chat read hs-{{channel}} > {{file}}.txt
