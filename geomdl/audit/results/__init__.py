"""The results of an audit: verdicts, findings beside them, and requirements on verdicts."""
