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
// What stays outside its power: a press into a window that is not focused is
// held back by most window managers until they have focused the window, and is
// then replayed after the grab; and what is held when this process is killed
// stays held.
//
// It never changes the keyboard map, types text or sends synthetic
// (XSendEvent) events, and never works under Wayland, where a point cannot be
// tied to a window.
package xtest
