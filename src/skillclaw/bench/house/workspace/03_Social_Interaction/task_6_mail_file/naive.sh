mailer send --to {{address}} --subject "{{subject}}" --body "$(cat letter.txt)"
