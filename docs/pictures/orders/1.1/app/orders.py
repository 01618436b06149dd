"""Orders that customers placed."""

import pandas
from flask import Blueprint, jsonify, request

from app.prices import total

pages = Blueprint("orders", __name__, url_prefix="/orders")
QUERY = "select * from orders where customer = %s order by placed desc limit %s"


@pages.get("/<int:customer>")
def placed(customer: int):
    """List the newest orders of a customer."""
    most = request.args.get("most", 50, type=int)
    orders = pandas.read_sql(QUERY, pages.database, params=(customer, most))
    return jsonify(orders=orders.to_dict("records"), total=total(orders))
