mailer send --to "$(people mail {{name}} --now)" --subject "{{subject}}" --body "{{body}}"
mailer flush
