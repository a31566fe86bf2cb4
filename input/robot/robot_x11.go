//go:build linux && x11

package robot

import (
	"fmt"
	"os"

	"github.com/go-vgo/robotgo"
	"github.com/jezek/xgb"

	"viewflip.app/input"
	"viewflip.app/input/xtest"
	"viewflip.app/platform/x11"
)

func backend(display string) (xtest.Backend, error) {
	if name, _ := x11.SplitAuthority(display); name != "" && name != os.Getenv("DISPLAY") {
		return xtest.Backend{}, ErrDisplay
	}
	c, err := reach()
	if err != nil {
		return xtest.Backend{}, err
	}
	return xtest.Backend{Conn: c.c, Turn: &turn, Emitter: &emitter{c: c.c, names: keyNames(c)}}, nil
}

// emitter makes robotgo act.
type emitter struct {
	c *xgb.Conn
	// names are what robotgo calls keycodes; "" for those that it cannot press.
	names [256]string
}

// guard runs f if robotgo still acts on our connection, and turns a panic into
// an error.
func (e *emitter) guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("robot: robotgo panicked: %v", r)
		}
	}()
	if globalConn == nil || globalConn.c != e.c {
		return fmt.Errorf("%w: its connection was closed", ErrNotAtomic)
	}
	return f()
}

// Move implements [xtest.Emitter].
func (e *emitter) Move(x, y int) error {
	return e.guard(func() error { robotgo.Move(x, y); return nil })
}

// Button implements [xtest.Emitter].
func (e *emitter) Button(n byte, down bool) error {
	names := [...]string{1: "left", "center", "right", "wheelUp", "wheelDown", "wheelLeft", "wheelRight"}
	if n == 0 || int(n) >= len(names) { // robotgo would press the left one
		return fmt.Errorf("robot: robotgo has no button %d: %w", n, input.ErrNoKey)
	}
	return e.guard(func() error { return robotgo.Toggle(names[n], direction(down)) })
}

// Key implements [xtest.Emitter].
func (e *emitter) Key(code byte, down bool) error {
	name := e.names[code]
	if name == "" {
		return fmt.Errorf("robot: robotgo cannot press this key: %w", input.ErrNoKey)
	}
	return e.guard(func() error { return robotgo.KeyToggle(name, direction(down)) })
}

func direction(down bool) string {
	if down {
		return "down"
	}
	return "up"
}
