package wire

import (
	"fmt"
	"strings"
)

// Rights is what one person may do with one share.
type Rights uint8

// The rights. Unknown bits are malformed.
const (
	RightSee Rights = 1 << iota
	RightPoint
	RightControl

	allRights = RightSee | RightPoint | RightControl
)

// String lists the rights, "see+point" for example.
func (r Rights) String() string {
	var s []string
	for _, n := range []struct {
		bit  Rights
		name string
	}{{RightSee, "see"}, {RightPoint, "point"}, {RightControl, "control"}} {
		if r&n.bit != 0 {
			s = append(s, n.name)
		}
	}
	if len(s) == 0 {
		return "nothing"
	}
	return strings.Join(s, "+")
}

// ParseRights reads see, point or control; each contains those before it.
func ParseRights(s string) (Rights, error) {
	switch s {
	case "see":
		return RightSee, nil
	case "point":
		return RightSee | RightPoint, nil
	case "control":
		return allRights, nil
	}
	return 0, fmt.Errorf("%w: %q is none of see, point, control", ErrMalformed, s)
}

// Reason is why the sharer's gate refused an input. Zero means allowed.
type Reason uint8

// The reasons.
const (
	NoRight Reason = iota + 1
	Hidden
	Stale
	OutOfBounds
	Covered
	NotFocused
	KeyDenied
	KeyOwned
	HostBusy
	Locked
	RateLimited
	Failed
)

var reasonText = [...]string{ //nolint:gochecknoglobals // a constant table
	"allowed", "you do not have control", "the window is hidden", "the window has just changed",
	"outside the window", "another window covers this spot", "click into the window first",
	"this key is not allowed", "this key belongs to their system", "they are using their mouse or keyboard",
	"their screen is locked or busy", "too fast", "it did not work on their side",
}

// Valid reports whether r is a known refusal.
func (r Reason) Valid() bool { return r > 0 && int(r) < len(reasonText) }

// String is a few words for the person whose input was refused.
func (r Reason) String() string {
	if int(r) < len(reasonText) {
		return reasonText[r]
	}
	return "refused"
}
