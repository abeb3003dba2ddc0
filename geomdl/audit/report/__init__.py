"""The report of an audit: text, JSON, a page, figures, a badge."""
