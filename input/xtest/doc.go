// Package xtest is the native X11 [input.Desk]: it asks the server and injects
// through XTEST inside one server grab, in which no other client can map, move
// or focus a window, and in which the injected events are already delivered.
// Pure Go. cmd/viewflip makes one [Seat] for the process and opens a Desk at it
// for each gate.
//
// The hit test is the server's own (TranslateCoordinates from the root down to
// the client window), so bounding and input shapes, override-redirect windows
// and the window manager's frame count as what they are. The coordinate space
// is that of the captured picture: the client window without the shadow that
// client-side decorations draw.
//
// # Words
//
//	Seat ---- takes ----> hands <---- act by ---- Desk ---- makes ----> section
//	one for the process   a slot of the display,  one for each gate:    the world inside one
//	                      a pair of pointer and   a shared window and   server grab, and in it
//	                      keyboard, its rules     what a guest holds    the host: what the
//	                      and borrowed keys       in it                 sharer does meanwhile
//
// The Seat has hands while a Desk is open. All Desks of a process act by the same
// hands, one section after the other (hands.turn).
//
// # Two hands
//
// By default the guests of a process act by a master pointer and keyboard of
// their own (XInput 2), beside the host's pair: they keep their pointer, their focus,
// their modifiers, and both can work at the same time in different windows. Four
// rules keep the two apart in spite of window managers and toolkits that know
// one pair only:
//
//  1. The second keyboard has the window's focus before anything is pressed, so
//     that nobody brings it there with the host's (claim).
//  2. While the guest acts, the core requests of the shared client mean the
//     second pair (lead).
//  3. If the host's focus jumps into the shared client all the same, right after
//     we acted and without their doing, they get it back (guardFocus).
//  4. Nothing is pressed while the host holds a modifier, which some toolkits
//     (Qt 5) mix up, and nothing is done in a window that they use themselves at
//     this moment.
//
// Without XInput 2, or if the host wants it so, there is one pair for all, and
// their hand goes first: any event of it that is not ours, told by the server's
// idle times inside the section, holds the guests off for 300 ms and lets go of
// what they hold.
//
// A shortcut that somebody has grabbed is found by trying to grab it, on the
// root and on the window's frames, by core protocol and by XInput 2, for every
// key that goes down: that takes microseconds, and nothing can be out of date. It
// is refused. A grab on the shared window itself, as twm has them, or on what is
// in it, is none: the key goes past it (strikeKey), and reaches the window.
//
// # Whose core requests mean which pair
//
// The X server has one client pointer for each client: the pair that its requests
// without XInput 2 mean. That of the shared program goes from the host's pair to
// the guests' and back:
//
//	           a guest presses: claim, lead          0.5 s of rest, nothing held, no
//	                                                 grab of the guests' pair: unlead
//	host's --------------------------> leading ------------------------------> host's
//	                                      |
//	                                      | the host gets a new map: newMap,
//	                                      | what guests hold is let go
//	                                      v
//	                                    stale --- unlead, then renewMap -----> host's,
//	                                                                           map read anew
//
// The guests' pair itself is made with the hands (take) and ends with them (leave).
// In between it is made anew, which ends every grab of it, when the host comes into
// a program that has grabbed it (ward, renewPair) or when a window is given up
// whose program has grabbed it (leaveGrab). Until the new one is there (lost),
// nothing is pressed.
//
// # What keys mean
//
// A key comes with the character that it types at the viewer. If it types the
// same here, it goes down and stays down, so that it can be held and
// programs see which key it is. Else another key that does. "Here" is the first
// two groups of the host's layout with the modifiers and the group that the
// client goes by: those in the event, which are the second keyboard's; Qt (known
// by a window that it makes) goes by the host's keyboard whatever the event says,
// so that for Qt a guest's Shift does not exist. Characters that no key types
// that way, also those with AltGr, are tapped on a spare keycode, all levels of
// which are made the character: modifiers change nothing then, and it is the same
// for every toolkit.
//
// The spare keycode is borrowed from the host's keyboard, not from the second:
// clients read every keycode by the map of the host's (xterm, GTK 3 and Qt 5 do
// not see a change of the second's at all). Only keycodes that no known key has
// and the layout leaves empty are taken. A client reads the map when it comes to
// the event, and MappingNotify is before the event: nothing has to settle. But a
// keycode keeps its character for 500 ms after its last use, before it gets
// another, and what was not used for 10 s, or when the seat is given up, is made
// empty again; after a crash the guardian does so.
//
// # What no guest may press
//
// The deny list of package input knows keys by their place. Here the maps of the
// keyboards are read as XKB has them (keyRules): every level of every key, with
// the modifiers that lead to it, its keysym and what the server itself does with
// it. Keys that do something only while a control of the keyboard is on (the
// number pad moves the pointer, keys count later or as others) are looked at with
// the controls of that moment. Where the keyboard is the host's, locks, latches
// and other groups are refused as well: they would stay when the key is let go.
//
// # A new map
//
// When the host's keyboard gets a new map (setxkbmap, or they go on with another
// keyboard), programs read it anew, and a shared client that does so while its
// core requests mean the second pair gets the map of that. Xlib keeps to the
// keyboard that it got the map of: it would read no change of the host's, and end
// the program when the second keyboard is gone (BadKeyboard). So the client has
// the host's pair back at once, the server tells it of a new keyboard again
// (Renew in package xinput), and guests wait for half a second and let go of what
// they hold (newMap). The second keyboard is never removed without that, inside
// one server grab (removePair).
//
// # A crash
//
// What is held when this process is killed is let go by a guardian process
// ([Guardian]), within milliseconds; a pair that is left even then (both were
// killed) is removed at the next start.
//
// # Window managers
//
// Window managers hold back button presses, by a passive grab that freezes the
// pointer, and let them go on later, after our server grab, to whatever is there
// by then. So a press is frozen by us before them, and replayed at once past
// every passive grab at the window and above, still inside the section (strike).
// They do not see it: a guest's click does not raise the window, and with one
// pair for all we ask the window manager to activate it (_NET_ACTIVE_WINDOW).
//
// The server repeats a held key wherever the focus is moved to. So it does not
// repeat for us: the second keyboard's repeat is off, and that of a key of the
// host's while we hold it. The viewer's repeats are checked one by one.
//
// What stops the pointer at a click and holds it back, as Motif does in its menus,
// gets no second press meanwhile, which the server would drop (askWaiting): it is
// refused.
//
// Keys that somebody has grabbed on the window are frozen and replayed in the
// same way. What the shared program has grabbed inside of its own window, as
// Motif does for its accelerators, it gets.
//
// A release is for the shared window or for nobody: where its keyboard focus or
// its pointer grab is gone, it comes to us.
//
// # What programs ask of the window manager
//
// A program with a title bar of its own asks the window manager to move or resize
// its window, or to show the window's menu, when it is pressed there. Window
// managers do so with the host's pointer and keyboard, which they grab. What a
// guest's act made the program ask for is called off before the window manager
// reads on (asked): by the end of it, which stands right behind the request, and
// if the host's keyboard is grabbed all the same, by an Escape, which goes to
// whoever has grabbed it. The guest is told with the next event.
//
// # Grabs of programs
//
// A grab of the second pair while the host's is free is the shared program's: it
// is in nobody's way (ownGrabs). From a guest's press on a ward looks after the
// host's hand: what a toolkit has grabbed of it because of that press is given
// back when the host does something, by letting go of the guest's button or by
// Escape from the guests' keyboard; and when the host comes to a program that
// has grabbed the second pair, which would hear nothing of them, the second pair
// is made anew, which ends the grab (renewPair). So it is when a guest leaves
// such a program.
//
// # What is left
//
// Who has a passive grab the server does not tell. One of somebody else on a
// window that the shared program has made inside of its own is taken for that
// program's, if it has any: no window manager makes such.
//
// A key that repeats is let go and pressed again for each repeat of the viewer,
// also for clients that can tell a repeat from a press.
//
// When the second keyboard takes its focus, the window in which the host types
// loses theirs and has it back in one go: a completion list of theirs may close. A
// window manager may show the shared window as active for that moment. The guard
// of rule 3 undoes a jump, it does not prevent it: what they type in between goes
// to the shared program. And who brings the shared window to themselves by a task
// bar within 0.3 s of a guest's press has to do it twice.
//
// A pointer enters and leaves windows: one that lies under the second pointer
// when it is made, or after the shared window went away, is told that.
//
// While a guest acts, and half a second longer, another window of the shared
// program takes the host's core requests for the guest's too; if it does not
// speak XKB it does not see their modifiers.
//
// With one pair for all, a host's event in the same two milliseconds as ours is
// not noticed; and what they type while a guest holds a modifier has it, until the
// guest's next event. A key that a guest holds does not repeat for them either.
// A process that is stopped (SIGSTOP) lets go of nothing.
//
// Between a request of the program's and its end the window manager may have the
// host's pointer and keyboard for some milliseconds: a key that the host presses
// just then is lost.
//
// The second keyboard has the host's whole map, from its first moment on: a
// client that first reads the map while a guest acts gets the second keyboard's,
// and keeps to that, which says the same. After each change of the host's map it
// has the old one for some milliseconds. If this process is killed in the moment in
// which a client reads a new map, that one may end with it (BadKeyboard). One
// that is more than half a second behind may read a borrowed keycode when it has
// its next character already. While a keycode is borrowed, every program on the
// display hears that the map has changed, once for each new character, and window
// managers take their shortcuts anew.
//
// It never sends synthetic (XSendEvent) events, and never works under Wayland,
// where a point cannot be tied to a window.
package xtest
