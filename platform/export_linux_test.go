package platform

// ClipWindow is a window of the program that a Clipboard is to others.
func ClipWindow(c *Clipboard) WindowID { return WindowID{uint32(c.impl.(*xclipboard).win)} }
