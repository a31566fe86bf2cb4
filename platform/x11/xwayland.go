package x11

import (
	"strings"

	"github.com/jezek/xgb/randr"
)

// xwayland is the name of the extension by which Xwayland says what it is, from
// 23.1 on, and the beginning of the names that older ones give to their outputs.
const xwayland = "XWAYLAND"

// Xwayland reports whether the X server shows its windows on a Wayland desktop,
// whatever the environment says of the session. A program started by ssh, sudo
// or a service is on such a display without knowing it.
func (c *Conn) Xwayland() bool {
	if c.Has(xwayland) {
		return true
	}
	if c.Require(RandR) != nil {
		return false // Xwayland has always had it
	}
	r, err := randr.GetScreenResourcesCurrent(c.Conn, c.Root).Reply()
	if err != nil {
		return false
	}
	for _, o := range r.Outputs {
		info, err := randr.GetOutputInfo(c.Conn, o, r.ConfigTimestamp).Reply()
		if err == nil && strings.HasPrefix(string(info.Name), xwayland) {
			return true
		}
	}
	return false
}
