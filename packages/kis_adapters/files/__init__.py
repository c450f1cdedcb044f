"""Small durable files beside the database."""
