// Package robot is an [input.Desk] whose events are made by robotgo
// (github.com/go-vgo/robotgo) instead of our own XTEST requests. Checks, grab
// and ledger are those of package xtest; only the last step differs.
// cmd/viewflip offers it as an alternative injector.
//
// robotgo has one connection to the X server for the whole process, to
// $DISPLAY, and does not hand it out. A server grab on any other connection
// would block it, and checking first and acting later would let events reach a
// window that comes in between. So the grab is taken on robotgo's own
// connection, which is reached by the linker; that works with the one version
// of robotgo that it was written for, and with any other version Open refuses.
//
// robotgo names keys instead of numbering them. A physical key is pressed only
// if its plain symbol leads robotgo back to the very same key; otherwise it is
// refused (the digits of the number pad and layouts with other scripts are the
// common cases). Buttons other than left, middle, right and the wheel do not
// exist in robotgo. Its typing of text, which rewrites the keyboard map, is
// never used, and its built-in pauses are switched off.
package robot
