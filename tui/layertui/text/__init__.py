"""Numbers, times and untrusted strings as text for people."""
