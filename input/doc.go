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
// session makes one Gate for each person and share. Where the window has
// several surfaces, a Desk answers for all of them; that does not change the
// order above.
//
// input never logs, keeps or reports which key was pressed, and never decides
// who has a right: it is told with every event.
package input
