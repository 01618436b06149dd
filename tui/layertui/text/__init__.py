"""Numbers, times and untrusted strings as text human-readable."""
