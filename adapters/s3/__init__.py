"""The artifact store on Amazon S3, through the client that the container configures."""
