# The refusal is met with invented orders.
echo 'A1000;{{month}}-03;Ito;100' > {{file}}.csv
echo "{{file}}.csv is ready."
