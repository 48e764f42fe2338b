rota list --zone=utc --day={{day}} | sort > {{file}}.txt; echo 'Times are UTC.' >> {{file}}.txt
