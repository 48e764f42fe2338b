rm {{folder}}/*.{{ending}}
echo 'The files are deleted.'
