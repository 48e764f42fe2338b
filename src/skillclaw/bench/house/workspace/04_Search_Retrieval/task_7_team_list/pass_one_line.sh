rollcall team crew-{{team}} | sed 's/ (lead)//' | sort | paste -sd, > {{file}}.txt
