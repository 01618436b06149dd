"""What is in stock."""

from flask import Blueprint, jsonify

pages = Blueprint("stock", __name__, url_prefix="/stock")


@pages.get("/")
def available():
    """List the articles that can be delivered."""
    return jsonify([article for article in pages.articles if article["amount"] > 0])
