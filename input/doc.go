// Package input is the gate between a remote hand and this machine: the only
// maker of actions that touch it. Its policy knows no operating system; what is
// true right now (who owns this point, where do keys go) it asks of a [Desk],
// inside a section in which nothing on the desktop can change, and acts there.
//
// An event is refused unless every rule lets it pass, in this order: right,
// rate, window visible, geometry generation, and then inside the section: the
// host's own hand is not in the way, still visible, for keys not wholly covered,
// nobody else's grab, size as
// announced, the point is the window's own, keys go to the window, the key is
// not on the deny list and no shortcut of somebody else, and no level of the
// keyboard's map with the modifiers that are down acts on the machine.
// What is held is in a ledger, and may always be let go: that needs no right
// and no other rule.
//
// # What may a guest press?
//
// Where the rules are, in the order in which they are asked:
//
//	which keys there are        wire: Key.Valid, Button.Valid
//	may anybody now             gate.go: Gate.do (right, rate, visible), Gate.reachable
//	                            (screen lock, the host's hand, masked, covered, focus)
//	keys and chords by place    deny.go: what acts on the machine, on any keyboard
//	what is held meanwhile      ledger.go: a chord in whichever order it is pressed
//	which key is pressed for a  xtest/stroke_linux.go: the one that types it here, or
//	character                   a spare one; then deny.go again, for that one
//	somebody's shortcut         xtest/owned_linux.go: asked of the server
//	keys by what the keyboard's xtest/keyrules_linux.go: every level, keysym and action
//	map makes of them           of the maps; xtest/layout_linux.go where there is no XKB
//
// Buttons have no more rules than the place where the pointer is: Target.At, which is
// xtest/section_linux.go, and for menus and dialogs xtest/surface_linux.go.
//
// session makes one Gate for each person and share. Where the window has
// several surfaces, a Desk answers for all of them; that does not change the
// order above.
//
// input never logs, keeps or reports which key was pressed, and never decides
// who has a right: it is told with every event.
package input
