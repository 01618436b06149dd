"""Confirmations by fax."""


def confirmation(order: dict) -> str:
    """Return the text to send."""
    return f"Dear {order['customer']}, your order {order['number']} is on its way.\n"
