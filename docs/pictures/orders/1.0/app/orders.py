"""Orders that customers placed."""

import pandas
from flask import Blueprint, jsonify

from app.prices import total

pages = Blueprint("orders", __name__, url_prefix="/orders")


@pages.get("/<int:customer>")
def placed(customer: int):
    """List the orders of a customer."""
    orders = pandas.read_sql(f"select * from orders where customer = {customer}", pages.database)
    return jsonify(orders=orders.to_dict("records"), total=total(orders))
