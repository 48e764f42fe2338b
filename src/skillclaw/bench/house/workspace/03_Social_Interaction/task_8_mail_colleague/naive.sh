mailer send --to "$(people mail {{name}})" --subject "{{subject}}" --body "{{body}}"
