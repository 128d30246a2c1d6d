"""Who is signed in: sessions on the server, found by the hash of what the browser's cookie holds."""
