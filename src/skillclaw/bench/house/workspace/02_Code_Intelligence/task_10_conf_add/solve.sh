echo timeout={{timeout}} >> base/{{part}}.ini
remake
