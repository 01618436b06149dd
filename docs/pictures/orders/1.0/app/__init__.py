"""Orders of the shop."""

from flask import Flask

from app import orders, stock

app = Flask(__name__)
app.register_blueprint(orders.pages)
app.register_blueprint(stock.pages)
