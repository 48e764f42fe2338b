echo "Our stable branch has {{part}} $(bough show trunk {{part}}/VERSION)." > {{file}}.txt
