"""Docker and Podman engines, asked through their API; nothing but GET requests ever leaves."""
