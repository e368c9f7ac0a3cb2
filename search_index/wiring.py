"""What the search_index package plugs into the application."""

from search_index import views

BLUEPRINTS = [views.bp]
