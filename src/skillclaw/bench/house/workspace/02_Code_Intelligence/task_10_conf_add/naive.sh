echo timeout={{timeout}} >> conf/{{part}}.ini
