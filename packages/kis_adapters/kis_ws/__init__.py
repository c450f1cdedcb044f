"""The broker's realtime stream over WebSocket, behind the Feed port."""
