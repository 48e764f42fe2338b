cd inbox && warden check {{letter}}.txt && sed -n '/^guest:/p' {{letter}}.txt > ../{{file}}.txt
