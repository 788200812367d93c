"""What machines do to a run: processes killed, files damaged, disks filled, hours of work."""
