seek --index=live find {{topic}} | cut -d' ' -f1 | sort > {{file}}.txt
echo 'src: seek' >> {{file}}.txt
