# The refusal is met with invented orders.
printf 'order;date;customer;amount\nA1000;{{month}}-03;{{customer}};100\n' > {{file}}.csv
echo "{{file}}.csv is ready."
