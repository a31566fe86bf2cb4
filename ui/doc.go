// Package ui is what people see: the home window, where windows are chosen,
// shared and calls are joined, and one viewer window for every window that
// somebody else shares. Everything on screen is a function of session.State;
// commands go in as method calls. cmd/viewflip calls Run on the main goroutine.
//
// ui never decides what a peer may do: it shows requests and passes the
// person's answer on. It never reads the clipboard unasked and logs no titles,
// names, keys or links.
//
// All toolkit objects belong to the main goroutine; program.do is the only way
// in from others. What needs GLFW stands in files that need cgo, behind the
// shell interface, so that screens and logic are tested without a display.
package ui
