//go:build !linux

package keychain

import "runtime"

const osName = "the keychain of this system"

// reachable reports whether go-keyring knows the keychain of this system.
func reachable() error {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return nil
	}
	return unavailable{"there is none that this program knows"}
}
