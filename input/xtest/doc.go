// Package xtest is the native X11 [input.Desk]: it asks the server and injects
// through XTEST inside one server grab, in which no other client can map, move
// or focus a window, and in which the injected events are already delivered.
// Pure Go. cmd/viewflip opens one for each gate.
//
// The hit test is the server's own (TranslateCoordinates from the root down to
// the client window), so bounding and input shapes, override-redirect windows
// and the window manager's frame count as what they are. The coordinate space
// is that of the captured picture: the client window without the shadow that
// client-side decorations draw.
//
// What stays outside its power: a press that the window manager holds back. Most
// grab the buttons of windows that are not focused, some (openbox) the first
// three of every window; they focus it and let the press go on, after our grab,
// to whatever is there by then. For a window that appears in that millisecond
// the press is lost to it. Moves, keys, the wheel and other buttons are not
// concerned. And what is held when this process is killed stays held.
//
// It never changes the keyboard map, types text or sends synthetic
// (XSendEvent) events, and never works under Wayland, where a point cannot be
// tied to a window.
package xtest
