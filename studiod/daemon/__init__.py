"""The daemon: takes in, claims, has workers make, records and delivers, all night, by itself."""
