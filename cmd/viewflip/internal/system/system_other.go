//go:build !linux

package system

import "viewflip.app/platform"

// makersFor has nothing yet: of this operating system no window can be shared.
func makersFor(*platform.Desktop) makers { return makers{} }

// GuardianOn is nil: there is none on this operating system yet.
func GuardianOn(string) Guardian { return nil }
