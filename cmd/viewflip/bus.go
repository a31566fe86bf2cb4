package main

import (
	"fmt"
	"os"
	"path/filepath"
)

const (
	busEnv = "DBUS_SESSION_BUS_ADDRESS"
	// noBus is an address that every D-Bus library refuses.
	noBus = "disabled:"
)

// startNoBus keeps the libraries of this process and what it starts from
// starting a session bus where there is none. They do that by "dbus-launch", and
// what they then ask the new bus starts half a desktop: daemons and a mount that
// outlive this program. Where there is a bus, it is used.
func startNoBus() {
	if a := os.Getenv(busEnv); a != "" && a != "autolaunch:" {
		return
	}
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), fmt.Sprintf("/run/user/%d", os.Getuid())} {
		for _, name := range []string{"bus", "dbus-session"} { // where systemd and older sessions leave it
			if _, err := os.Stat(filepath.Join(dir, name)); dir != "" && err == nil {
				return
			}
		}
	}
	_ = os.Setenv(busEnv, noBus) // only a name with "=" can fail
}
