"""The gateway: what every request passes before and after its service."""
