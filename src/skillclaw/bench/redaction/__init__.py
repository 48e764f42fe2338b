"""The labelled corpus on which the redaction of secrets and personal data is measured."""
