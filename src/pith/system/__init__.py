"""Systems: what a machine boots. `image` builds the boot image, around `loader`."""
