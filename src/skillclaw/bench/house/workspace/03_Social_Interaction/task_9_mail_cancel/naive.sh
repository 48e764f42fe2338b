mailer send --to {{address}} --subject "Order {{order}}" --body "We cancel the order {{order}}."
