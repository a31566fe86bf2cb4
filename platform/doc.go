// Package platform is what this operating system knows: displays, windows,
// their change events, capabilities with reasons, directories and the type of
// session, and when its person presses the panic key or leaves. It answers; it
// never acts on input and reads no window's pixels.
//
// # Linux
//
// X11 sessions are supported in full through platform/x11. Under Wayland only
// windows of Xwayland are visible, and control is refused: see SECURITY.md.
//
// # Windows, macOS
//
// Open returns ErrUnsupported: nothing has been run there yet.
package platform
