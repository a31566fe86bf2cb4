// Package capture reads the pixels of one window from the window's own
// surface, never from the screen: what covers it is never in the picture.
// session pulls frames; the operating system's backend waits for damage and
// does no work while nothing changes.
//
// # Linux
//
// X11: Composite redirects the client window, its pixmap is read through
// MIT-SHM, XDamage says what changed. A minimised window keeps its last
// picture. What the application has not painted yet in a new pixmap, where the
// server puts pixels of the screen, is shown in one neutral colour (see
// pixmap_linux.go). Menus, tooltips and dialogs of the window (platform.Group)
// are read in the same way and drawn over it (see members_linux.go).
//
// # Windows, macOS
//
// Open returns platform.ErrUnsupported.
package capture
