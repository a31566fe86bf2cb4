//go:build linux && x11

package robot

import (
	"fmt"
	"runtime/debug"
	"sync"
	_ "unsafe" // for go:linkname

	"github.com/go-vgo/robotgo"
	rx11 "github.com/go-vgo/robotgo/x11"
	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// The robotgo that robotConn describes: its module version and what it calls
// itself.
const (
	knownModule  = "v1.1.0"
	knownVersion = "v2.00.0.1658, MT. Baker!"
)

// robotConn has the layout of the first fields of robotgo's x11.conn.
type robotConn struct {
	_ sync.Mutex
	_ uintptr // *xgbutil.XUtil
	c *xgb.Conn
	_ xproto.Window
	// The keyboard map as robotgo read it, once.
	first xproto.Keycode
	per   byte
	syms  []xproto.Keysym
}

// globalConn is robotgo's connection. Nobody writes to it here.
//
//go:linkname globalConn github.com/go-vgo/robotgo/x11.globalConn
var globalConn *robotConn //nolint:gochecknoglobals // it is robotgo's

// turn guards robotgo's one connection: a server grab belongs to a connection,
// so two Desks must not be inside theirs at once.
var turn sync.Mutex //nolint:gochecknoglobals // robotgo's connection is global

// reach makes robotgo connect to $DISPLAY and returns its connection.
func reach() (*robotConn, error) {
	if robotgo.Version != knownVersion {
		return nil, fmt.Errorf("%w (it is %s)", ErrNotAtomic, robotgo.Version)
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/go-vgo/robotgo" && (m.Version != knownModule || m.Replace != nil) {
				return nil, fmt.Errorf("%w (it is %s)", ErrNotAtomic, m.Version)
			}
		}
	}
	turn.Lock()
	defer turn.Unlock()
	rx11.SetDelay(0)
	if alive(globalConn) {
		return globalConn, nil
	}
	robotgo.Close() // a connection that broke is never given up by itself
	if x, y := robotgo.Location(); globalConn == nil {
		return nil, fmt.Errorf("robot: robotgo could not connect to the X server (%d,%d)", x, y)
	}
	return globalConn, nil
}

// alive reports whether the server still answers on a connection.
func alive(c *robotConn) bool {
	if c == nil || c.c == nil {
		return false
	}
	_, err := xproto.GetInputFocus(c.c).Reply()
	return err == nil
}
