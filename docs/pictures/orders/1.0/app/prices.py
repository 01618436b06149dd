"""What orders cost."""

VAT = 0.19


def total(orders) -> float:
    """Return the sum of the orders, VAT included."""
    return round(float((orders.price * orders.amount).sum()) * (1 + VAT), 2)
