mailer send --to {{address}} --subject "{{subject}}" --body "{{body}}"
