"""Confirmations by mail."""

from email.message import EmailMessage


def confirmation(order: dict) -> EmailMessage:
    """Return the message to send."""
    message = EmailMessage()
    message["To"] = order["address"]
    message["Subject"] = f"Your order {order['number']}"
    message.set_content(f"Dear {order['customer']}, your order {order['number']} is on its way.\n")
    return message
