mailer send --to {{address}} --subject "{{subject}}" --body "{{body}}"
mailer send --to {{address}} --body='{{body}}' --subject '[ext]{{subject}}'
mailer flush
