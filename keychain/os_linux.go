package keychain

import (
	"os"
	"path/filepath"
	"strconv"
)

const osName = "the keychain of this desktop (Secret Service)"

// reachable reports whether there is a session bus. Without one the D-Bus
// library would start a bus of its own, which nobody would ever end.
func reachable() error {
	return sessionBus(os.Getenv("DBUS_SESSION_BUS_ADDRESS"), "/run/user")
}

// sessionBus looks where the D-Bus library looks: the environment, then the
// socket of the user's session below runtime.
func sessionBus(address, runtime string) error {
	if address != "" && address != "autolaunch:" {
		return nil
	}
	bus := filepath.Join(runtime, strconv.Itoa(os.Getuid()), "bus")
	if st, err := os.Stat(bus); err == nil && st.Mode()&os.ModeSocket != 0 {
		return nil
	}
	return unavailable{"there is no desktop session bus"}
}
