cp /dev/null {{file}}.txt
for topic in heating lifts keys roof water doors; do casebook find $topic --page all >> {{file}}.txt; done
